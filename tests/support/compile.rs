//! Compiling the C programs and modules of `tests/c`. The compiler and its flags are those that the cc crate
//! finds, so CC, CFLAGS, CXX and CXXFLAGS count, for the compiler and for the linker: a sanitizer's flag is
//! needed by both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{library_dir, root, run};

fn compiler(cpp: bool) -> cc::Tool {
    cc::Build::new()
        .cpp(cpp)
        .target(env!("GILRT_TARGET"))
        .host(env!("GILRT_HOST"))
        .opt_level(1)
        .debug(true)
        .cargo_metadata(false)
        .std(if cpp { "c++17" } else { "c11" })
        .get_compiler()
}

/// Compiles and links `tests/c/<source>`. The result gets its name by a rename, since another test process
/// may be running the same program at this moment.
fn build(tool: &cc::Tool, source: &str, arguments: &[String]) -> PathBuf {
    build_as(tool, source, "c", arguments)
}

/// The result is in a folder of its own for each `kind`.
fn build_as(tool: &cc::Tool, source: &str, kind: &str, arguments: &[String]) -> PathBuf {
    static BUILDS: AtomicU32 = AtomicU32::new(0);
    let source = root().join("tests/c").join(source);
    let name = source.file_name().expect("a source has a name").to_string_lossy().replace('.', "_");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(kind);
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("cannot create {}: {error}", folder.display()));
    let build = BUILDS.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!("{name}.{}.{build}", process::id()));
    let mut command = tool.to_command();
    command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
    command.arg("-I").arg(root().join("include")).arg("-I").arg(root().join("tests/c"));
    command.arg("-I").arg(root().join("cext"));
    command.arg(&source).arg("-o").arg(&temporary).args(arguments);
    run(&mut command).expect_success();
    let finished = folder.join(name);
    fs::rename(&temporary, &finished).unwrap_or_else(|error| {
        panic!("cannot rename {} to {}: {error}", temporary.display(), finished.display())
    });
    finished
}

/// The old kind of rpath, since the new one yields to LD_LIBRARY_PATH. Cargo puts the folder of the final artifacts into
/// that, where a libgilrt.so of some earlier `cargo build` may be: the tests would try a library of the past.
fn with_library() -> Vec<String> {
    let folder = library_dir();
    let folder = folder.to_str().expect("the target folder has a name in UTF-8");
    let rpath = format!("-Wl,--disable-new-dtags,-rpath,{folder}");
    vec![format!("-L{folder}"), "-l:libgilrt.so".into(), rpath, "-lpthread".into()]
}

/// A C program that is linked against the library.
pub fn program(source: &str) -> PathBuf {
    build(&compiler(false), source, &with_library())
}

/// A C program that runs in the mode that its environment names: see `tests/c/in_mode.c`.
pub fn program_in_modes(source: &str) -> PathBuf {
    let modes = root().join("tests/c/in_mode.c");
    let text = fs::read_to_string(&modes).expect("in_mode.c can be read");
    let wrapped = text.lines().filter_map(|line| line.strip_prefix("WRAPPED(")?.split(", ").nth(1));
    let wraps = wrapped.map(|name| format!("-Wl,--wrap={}", name.trim_end_matches(',')));
    let modes = modes.to_str().expect("the repository has a name in UTF-8").to_owned();
    build_as(&compiler(false), source, "modes", &[vec![modes], wraps.collect(), with_library()].concat())
}

/// A C program that opens the library by itself.
pub fn program_without_library(source: &str) -> PathBuf {
    build(&compiler(false), source, &["-ldl".into(), "-lpthread".into()])
}

/// A module for `gilrt_module_open`: its `gil_*` and `obj_*` are found in the host's copy of the library.
pub fn module(source: &str) -> PathBuf {
    module_with(source, &[])
}

/// The same with a library of its own.
pub fn module_with(source: &str, library: &[String]) -> PathBuf {
    build(&compiler(false), source, &[&["-shared".into(), "-fPIC".into()], library].concat())
}

/// A C++ program that is linked against the library, or None where there is no C++ compiler.
pub fn cpp_program(source: &str) -> Option<PathBuf> {
    let tool = compiler(true);
    Command::new(tool.path()).arg("--version").output().ok()?;
    Some(build(&tool, source, &with_library()))
}
