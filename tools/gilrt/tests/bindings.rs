//! The committed bindings are those of include/gilrt.h. `GILRT_WRITE=1` rewrites them.

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bindings.rs");
const GENERATED: &str = include_str!(concat!(env!("OUT_DIR"), "/bindings.rs"));

#[test]
fn the_committed_bindings_are_those_of_the_header() {
    if std::env::var_os("GILRT_WRITE").is_some_and(|value| value == "1") {
        std::fs::write(COMMITTED, GENERATED).expect("the source folder can be written");
    }
    let committed = std::fs::read_to_string(COMMITTED).expect("the bindings are committed");
    let difference = committed.lines().zip(GENERATED.lines()).position(|(old, new)| old != new);
    assert!(
        committed == GENERATED,
        "src/bindings.rs is stale, first at line {}; GILRT_WRITE=1 cargo test -p gilrt-cli --features bindgen --test bindings \
         rewrites it",
        difference.unwrap_or_else(|| committed.lines().count().min(GENERATED.lines().count())) + 1
    );
}
