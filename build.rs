//! Says how libgilrt.so is linked and, with the feature `samples`, compiles each folder of cext/ into a
//! module that `gilrt_module_open` can load. Whoever merely depends on the crate compiles no C.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A C library that a module of cext/ is about, and has inside. A crate has compiled it, whose build script says where it is.
struct Wrapped {
    /// The folder of cext/.
    module: &'static str,
    /// The variables with the folder of its headers and with that of its archive.
    headers: &'static str,
    archive_folder: &'static str,
    archive: &'static str,
}

const WRAPPED: [Wrapped; 2] = [
    Wrapped {
        module: "deflate",
        headers: "DEP_Z_INCLUDE",
        archive_folder: "DEP_Z_ROOT",
        archive: "lib/libz.a",
    },
    Wrapped {
        module: "legacy",
        headers: "DEP_SQLITE3_INCLUDE",
        archive_folder: "DEP_SQLITE3_LIB_DIR",
        archive: "libsqlite3.a",
    },
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The tests compile C programs themselves and need to tell the cc crate for which machine.
    println!("cargo::rustc-env=GILRT_TARGET={}", variable("TARGET"));
    println!("cargo::rustc-env=GILRT_HOST={}", variable("HOST"));
    link_library();
    // A loom build has no library that a module could be loaded into.
    if env::var_os("CARGO_FEATURE_SAMPLES").is_some() && env::var_os("CARGO_CFG_LOOM").is_none() {
        compile_samples();
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| panic!("cargo sets {name} for this build script: {error}"))
}

fn target_is_elf() -> bool {
    let families = variable("CARGO_CFG_TARGET_FAMILY");
    let has = |family| families.split(',').any(|each| each == family);
    has("unix") && !has("wasm") && variable("CARGO_CFG_TARGET_VENDOR") != "apple"
}

fn link_library() {
    println!("cargo::rerun-if-env-changed=GILRT_SONAME");
    if !target_is_elf() {
        return;
    }
    // A library that registers destructors for thread-locals must stay mapped until its last thread has
    // ended, even if the host closes it first; otherwise that thread's exit jumps into unmapped memory
    // (rust-lang/rust#91979).
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    // Only an installed library carries a soname: programs linked against the one in target/ would not find
    // it.
    if let Some(soname) = env::var("GILRT_SONAME").ok().filter(|name| !name.is_empty()) {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,{soname}");
    }
}

/// The module `legacy` refuses an SQLite with locks. Its flags are set in .cargo/config.toml, which Cargo reads in the folder
/// that it is run in and those above it.
fn warn_of_locks_in_sqlite() {
    const FLAGS: &str = "LIBSQLITE3_FLAGS";
    println!("cargo::rerun-if-env-changed={FLAGS}");
    if !env::var(FLAGS).is_ok_and(|flags| flags.contains("-DSQLITE_THREADSAFE=0")) {
        println!(
            "cargo::warning=the module legacy will not load: build inside the repository, whose .cargo/config.toml sets \
             {FLAGS}, or set it to -DSQLITE_THREADSAFE=0"
        );
    }
}

fn compile_samples() {
    warn_of_locks_in_sqlite();
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(variable("OUT_DIR")).join("modules");
    println!("cargo::rerun-if-changed=cext");
    println!("cargo::rerun-if-changed=include");
    // A sample that was removed from cext/ must not go on being offered.
    match fs::remove_dir_all(&out) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            panic!("cannot empty {}: {error}", out.display())
        }
        _ => {}
    }
    fs::create_dir_all(&out).unwrap_or_else(|error| panic!("cannot create {}: {error}", out.display()));
    for folder in entries(&root.join("cext")).into_iter().filter(|path| path.is_dir()) {
        let sources: Vec<PathBuf> =
            entries(&folder).into_iter().filter(|path| path.extension() == Some(OsStr::new("c"))).collect();
        let name = folder.file_name().expect("an entry of a folder has a name");
        let wrapped = WRAPPED.iter().find(|library| name == library.module);
        if !sources.is_empty() {
            compile_module(&root, &sources, wrapped, &out.join(name).with_extension("so"));
        }
    }
    println!("cargo::metadata=modules={}", out.display());
    println!("cargo::rustc-env=GILRT_MODULES_DIR={}", out.display());
}

/// Compiles and links in one step. The module's `gil_*` and `obj_*` stay undefined: the library does not
/// exist yet, and at run time they must be those of the one copy that the host has loaded.
fn compile_module(root: &Path, sources: &[PathBuf], wrapped: Option<&Wrapped>, module: &Path) {
    let compiler = cc::Build::new().std("c11").warnings(true).pic(true).get_compiler();
    let mut command: Command = compiler.to_command();
    command.arg("-shared").arg("-o").arg(module);
    command.arg("-I").arg(root.join("include")).arg("-I").arg(root.join("cext"));
    command.args(sources);
    if let Some(library) = wrapped {
        let headers = variable(library.headers);
        let archive = Path::new(&variable(library.archive_folder)).join(library.archive);
        // -isystem: warnings are for what is written here.
        command.arg("-isystem").arg(&headers).arg(&archive);
        // A test makes a module of it, too.
        let name = library.module.to_uppercase();
        println!("cargo::rustc-env=GILRT_{name}_HEADERS={headers}");
        println!("cargo::rustc-env=GILRT_{name}_ARCHIVE={}", archive.display());
    }
    command.args(["-lpthread", "-lm"]);
    if target_is_elf() {
        // A host may have another copy of the wrapped library, of another version: each keeps to its own.
        command.arg("-Wl,--exclude-libs,ALL");
    } else {
        command.arg("-Wl,-undefined,dynamic_lookup");
    }
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => {
            panic!("the C compiler ended with {status}, see its messages above: {}", words(&command))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => panic!(
            "the sample extensions (feature `samples`) need a C compiler, and {} was not found: install gcc or \
             clang, or name one in the environment variable CC",
            compiler.path().display()
        ),
        Err(error) => panic!("cannot run the C compiler {}: {error}", compiler.path().display()),
    }
}

/// What one would type; `{:?}` would show the whole environment as well.
fn words(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The entries of a folder, sorted, so that a build does not depend on the order in which the file system
/// lists them.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let list = fs::read_dir(folder).and_then(|list| list.collect::<Result<Vec<_>, _>>());
    let list = list.unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = list.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
