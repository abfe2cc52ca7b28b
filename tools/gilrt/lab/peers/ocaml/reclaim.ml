(* reclaim SLOTS STEPS: in each step a new tree of fifteen nodes replaces the one in some slot of a table, and whatever this runtime has
   reclaims the old one. How long the steps take, and how much memory there was at the most. *)
open Peer

type tree = Leaf | Node of { mutable left : tree; mutable right : tree }

(* Nodes that hold nothing are allocated too, as in the other languages: one that can be changed is. *)
let rec tree depth =
  if depth = 0 then Node { left = Leaf; right = Leaf }
  else Node { left = tree (depth - 1); right = tree (depth - 1) }

let most_memory () =
  let status = open_in "/proc/self/status" in
  let rec find () =
    let line = input_line status in
    if String.length line > 6 && String.sub line 0 6 = "VmHWM:" then
      Scanf.sscanf (String.sub line 6 (String.length line - 6)) " %d" (fun kilobytes -> kilobytes * 1024)
    else find ()
  in
  find ()

let () =
  let slots = argument 1 and steps = argument 2 in
  let table = Array.init slots (fun _ -> tree 3) in
  let waits = Array.make steps 0 in
  let random = ref 1 in
  let start = now () in
  for step = 0 to steps - 1 do
    (* Of 62 bits: other places than in the other languages, but as random. *)
    random := (!random * 2862933555777941757) + 1442695040888963407;
    let slot = (!random lsr 32) mod slots in
    let before = now () in
    table.(slot) <- tree 3;
    waits.(step) <- now () - before
  done;
  let elapsed = now () - start in
  let memory = most_memory () in
  Array.sort compare waits;
  report
    [ ("nodes", steps * 15); ("elapsed_ns", elapsed); ("p99_ns", waits.(steps * 99 / 100));
      ("longest_ns", waits.(steps - 1)); ("memory", memory) ]
