(* compute KIND THREADS MILLISECONDS: the same CPU-bound work by one thread and by several. *)
open Peer

let work = turn Sys.argv.(1)
let threads = argument 2
let milliseconds = argument 3

let timed threads turns =
  let finished = Array.make threads 0 in
  let part i =
    for _ = 1 to (turns / threads) + if i < turns mod threads then 1 else 0 do
      work ();
      finished.(i) <- finished.(i) + 1
    done
  in
  let start = now () in
  join (start_threads threads part);
  (now () - start, sum finished)

let () =
  (* As many as fill the time: found out by doubling, which also wakes the processor up. *)
  let rec probe turns =
    let took, _ = timed 1 turns in
    if took < milliseconds * 500_000 then probe (turns * 2) else turns * milliseconds * 1_000_000 / took
  in
  let turns = max (probe 1) threads in
  let alone, _ = timed 1 turns in
  let together, finished = timed threads turns in
  report [ ("turns", turns); ("done", finished); ("alone_ns", alone); ("together_ns", together) ]
