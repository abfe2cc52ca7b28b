//! Memory that runs out is an answer, and nothing else: at every single allocation.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod support;

use support::{command, module, program, run};

#[test]
fn every_allocation_may_fail() {
    run(command(&program("out_of_memory.c")).arg(module("modules/good.c")).env_remove("GILRT_CHECK"))
        .expect_success();
}

#[test]
fn every_allocation_may_fail_in_checking_mode() {
    run(command(&program("out_of_memory.c")).arg(module("modules/good.c")).env("GILRT_CHECK", "1"))
        .expect_success();
}

#[test]
fn a_hosts_allocator_may_fail_at_every_call() {
    run(command(&program("failing_hooks.c")).env_remove("GILRT_CHECK")).expect_success();
}

#[test]
fn every_allocation_may_fail_in_other_interpreters() {
    for mode in ["0", "1"] {
        run(command(&program("out_of_memory_interps.c")).env("GILRT_CHECK", mode)).expect_success();
    }
}
