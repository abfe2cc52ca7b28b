//! Tells the tool where the sample modules were built, compiles the programs that `gilrt bench` measures with and, with the
//! feature `bindgen`, binds the header anew.

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DEP_GILRT_MODULES");
    // The library's build script publishes the folder; an installed tool finds its modules beside itself instead.
    if let Ok(folder) = std::env::var("DEP_GILRT_MODULES") {
        println!("cargo::rustc-env=GILRT_BUILT_MODULES={folder}");
    }
    // For tests that compile a module.
    for name in ["TARGET", "HOST"] {
        let triple = std::env::var(name).unwrap_or_else(|_| panic!("Cargo sets {name}"));
        println!("cargo::rustc-env=GILRT_{name}={triple}");
    }
    compile_kernels();
    #[cfg(feature = "bindgen")]
    bind_header();
}

/// Shared libraries, which the tool opens after libgilrt.so: their `gil_*` stay undefined until then, so that calls go
/// the way that a host's calls go.
fn compile_kernels() {
    const INCLUDE: &str = "../../include";
    // What the module `image` computes with, which is measured without libgilrt as well.
    const IMAGE: &str = "../../cext/image";
    println!("cargo::rerun-if-changed=kernels");
    println!("cargo::rerun-if-changed=lab/peers/c");
    println!("cargo::rerun-if-changed={INCLUDE}");
    println!("cargo::rerun-if-changed={IMAGE}");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("Cargo sets OUT_DIR")).join("kernels");
    std::fs::create_dir_all(&out).unwrap_or_else(|error| panic!("cannot create {}: {error}", out.display()));
    let sources = [
        "pairs",
        "contended",
        "sleeper",
        "futex",
        "retake",
        "compute",
        "crew",
        "counts",
        "together",
        "collect",
        "races",
        "locks",
        "opposite",
        "tree",
        "reclaim",
        "free",
        "interps",
        "stop",
        "switch",
        "image",
    ];
    link("kernels", &sources, &[INCLUDE, IMAGE], &out.join("libkernels.so"));
    link("kernels", &["empty"], &[INCLUDE], &out.join("libempty.so"));
    let programs = ["peer", "native", "compute", "ask", "echo"];
    link("lab/peers/c", &programs, &[INCLUDE], &out.join("libprograms.so"));
    // Other runtimes open this one, so it needs nothing of ours.
    link("lab/peers/c", &["native"], &[INCLUDE], &out.join("libnative.so"));
    link_cpp(&out.join("libcpp.so"));
    println!("cargo::rustc-env=GILRT_BUILT_KERNELS={}", out.display());
}

/// A C++ compiler is not needed: without one the tool says what it cannot measure.
fn link_cpp(library: &Path) {
    // One that was left by an earlier build would hide that the compiler has gone.
    let _ = std::fs::remove_file(library);
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").warnings(true).pic(true).opt_level(2).debug(false);
    let Ok(compiler) = build.try_get_compiler() else { return };
    let mut command = compiler.to_command();
    command.arg("-shared").arg("-o").arg(library).arg("kernels/shared_ptr.cpp").arg("-lpthread");
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => {
            println!("cargo::warning=the C++ compiler ended with {status}: std::shared_ptr is not measured")
        }
        Err(_) => {}
    }
}

/// Optimized whatever the profile: it is the compiled program that is measured.
fn link(folder: &str, sources: &[&str], includes: &[&str], library: &Path) {
    let mut build = cc::Build::new();
    build.std("gnu11").warnings(true).pic(true).opt_level(2).debug(false).force_frame_pointer(false);
    let compiler = build.get_compiler();
    let mut command = compiler.to_command();
    command.arg("-shared").arg("-o").arg(library);
    command.args(includes.iter().map(|include| format!("-I{include}")));
    command.args(sources.iter().map(|name| format!("{folder}/{name}.c"))).args(["-lpthread", "-ldl"]);
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => {
            let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
            panic!("the C compiler ended with {status}, see its messages above: {}", words.join(" "))
        }
        Err(error) => panic!(
            "cannot run the C compiler {}: {error}; install gcc or clang, or name one in the environment variable CC",
            compiler.path().display()
        ),
    }
}

/// Writes `$OUT_DIR/bindings.rs`, which `tests/bindings.rs` compares with the committed `src/bindings.rs`.
#[cfg(feature = "bindgen")]
fn bind_header() {
    const HEADER: &str = "../../include/gilrt.h";
    println!("cargo::rerun-if-changed={HEADER}");
    let out = std::path::PathBuf::from(std::env::var_os("OUT_DIR").expect("Cargo sets OUT_DIR"));
    bindgen::Builder::default()
        .header(HEADER)
        .dynamic_library_name("Gilrt")
        .dynamic_link_require_all(true)
        .allowlist_item("gilrt_.*|gil_.*|obj_.*|GILRT_.*|GIL_.*|OBJ_.*")
        .prepend_enum_name(false)
        .use_core()
        // The committed file must not depend on the version of bindgen, of rustfmt or of the C library.
        .disable_header_comment()
        .formatter(bindgen::Formatter::Prettyplease)
        .allowlist_recursively(true)
        .layout_tests(false)
        .generate_comments(false)
        .merge_extern_blocks(true)
        .rust_edition(bindgen::RustEdition::Edition2024)
        .generate()
        .expect("include/gilrt.h is a header that clang reads")
        .write_to_file(out.join("bindings.rs"))
        .expect("OUT_DIR can be written");
}
