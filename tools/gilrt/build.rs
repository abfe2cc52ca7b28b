//! Tells the tool where the sample modules were built and, with the feature `bindgen`, binds the header anew.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DEP_GILRT_MODULES");
    // The library's build script publishes the folder; an installed tool finds its modules beside itself instead.
    if let Ok(folder) = std::env::var("DEP_GILRT_MODULES") {
        println!("cargo::rustc-env=GILRT_BUILT_MODULES={folder}");
    }
    #[cfg(feature = "bindgen")]
    bind_header();
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
