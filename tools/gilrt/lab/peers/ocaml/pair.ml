(* pair PAIRS: release and acquire by a thread that is alone: what blocking calls go through, called from a loop in C. *)
open Peer

let () =
  let count = argument 1 in
  (* Before there is a second thread the runtime has no lock to take. *)
  Thread.join (Thread.create ignore ());
  ignore (pairs count);
  report [ ("pairs", count); ("elapsed_ns", pairs count) ]
