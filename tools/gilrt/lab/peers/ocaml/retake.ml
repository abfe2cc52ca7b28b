(* retake MILLISECONDS: a thread that holds the lock for 100 us, releases it and takes it back at once, and one that sleeps for a
   millisecond and then wants it: how long it waits at the most. A wait that the end cuts short lasted at least so long. *)
open Peer

let finish = now () + (argument 1 * 1_000_000)
let holds = ref 0

let hold_and_retake () =
  pin 0;
  while now () < finish do
    let till = now () + 100_000 in
    while now () < till do
      ()
    done;
    nothing_releasing ();
    incr holds
  done

let () =
  pin 1;
  let holder = Thread.create hold_and_retake () in
  let longest = ref 0 and visits = ref 0 in
  while now () < finish do
    let slept = sleep_releasing 1_000_000 in
    longest := max !longest (now () - slept);
    incr visits
  done;
  Thread.join holder;
  report [ ("longest_ns", !longest); ("visits", !visits); ("holds", !holds) ]
