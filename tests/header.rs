//! The committed header is the one that the code gives.

use std::path::Path;

/// In the reader's order: by how early somebody needs it.
const SOURCES: [&str; 12] = [
    "src/abi/version.rs",
    "src/abi/runtime.rs",
    "src/abi/lock.rs",
    "src/abi/interp.rs",
    "src/abi/object.rs",
    "src/abi/weak.rs",
    "src/abi/section.rs",
    "src/abi/channel.rs",
    "src/abi/collect.rs",
    "src/module/definition.rs",
    "src/abi/module.rs",
    "src/abi/watch.rs",
];
fn generate(root: &Path) -> String {
    let config = cbindgen::Config::from_root_or_default(root);
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(root.join(source));
    }
    let mut text = vec![];
    builder.generate().expect("the sources parse").write(&mut text);
    // Rust's heading for a contract reads oddly in C.
    String::from_utf8(text).expect("a header in UTF-8").replace("// # Safety\n// ", "// Safety: ")
}

#[test]
fn the_header_is_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let header = root.join("include/gilrt.h");
    let generated = generate(root);
    if std::env::var_os("GILRT_WRITE").is_some() {
        std::fs::write(&header, generated).expect("include/gilrt.h can be written");
        return;
    }
    let committed = std::fs::read_to_string(&header).unwrap_or_default();
    if let Some((n, (a, b))) = committed.lines().zip(generated.lines()).enumerate().find(|(_, (a, b))| a != b)
    {
        panic!(
            "include/gilrt.h is stale at line {}:\n  has    {a}\n  should {b}\nGILRT_WRITE=1 cargo test --test header",
            n + 1
        );
    }
    assert_eq!(
        committed.len(),
        generated.len(),
        "include/gilrt.h is stale: GILRT_WRITE=1 cargo test --test header"
    );
}
