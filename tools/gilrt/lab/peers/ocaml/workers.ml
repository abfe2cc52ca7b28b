(* workers KIND COUNT TURNS: CPU-bound work shared by threads or by processes: how long each takes to be there, how long the work
   lasts, and what memory each has for itself. *)
open Peer

let processes = Sys.argv.(1) = "processes"
let count = argument 2
let turns = argument 3
let work = turn "interpreter"

(* What the workers say, and what they wait for. Threads and processes wait alike. *)
let said, say = Unix.pipe ()
let go, let_go = Unix.pipe ()
let leave, let_leave = Unix.pipe ()
let finished = Array.make count 0
let write pipe text = ignore (Unix.write_substring pipe text 0 (String.length text))
let wait pipe = ignore (Unix.read pipe (Bytes.create 1) 0 1)

let memory () =
  let file = open_in "/proc/self/smaps_rollup" in
  let rec find () =
    let line = input_line file in
    if String.length line > 14 && String.sub line 0 14 = "Private_Dirty:" then
      Scanf.sscanf (String.sub line 14 (String.length line - 14)) " %d" (fun kilobytes -> kilobytes * 1024)
    else find ()
  in
  let found = find () in
  close_in file;
  found

let worker index =
  write say "r";
  wait go;
  for _ = 1 to (turns / count) + if index < turns mod count then 1 else 0 do
    work ();
    finished.(index) <- finished.(index) + 1
  done;
  write say "d";
  if processes then write say (Printf.sprintf "%16d%16d" (memory ()) finished.(index));
  wait leave

let hear length =
  let heard = Bytes.create length in
  let rec from at =
    if at < length then
      match Unix.read said heard at (length - at) with
      | 0 -> failwith "a worker is gone"
      | read -> from (at + read)
  in
  from 0;
  Bytes.to_string heard

let fork index =
  match Unix.fork () with
  | 0 ->
      worker index;
      Unix._exit 0
  | child -> child

let rec sums text used done_ =
  match String.index_opt text ' ' with
  | None -> (used, done_)
  | Some _ -> (
      try
        Scanf.sscanf text " %d %d%s@!" (fun memory turns rest -> sums rest (used + memory) (done_ + turns))
      with Scanf.Scan_failure _ | End_of_file -> (used, done_))

let () =
  let before = memory () in
  let start = now () in
  let children = if processes then List.init count fork else [] in
  let threads = if processes then [] else start_threads count worker in
  ignore (hear count);
  let began = now () in
  write let_go (String.make count 'g');
  let heard = hear (if processes then count * 33 else count) in
  let ended = now () in
  let used, did =
    if processes then sums (String.map (fun c -> if c = 'd' then ' ' else c) heard) 0 0
    else (max (memory () - before) 0, sum finished)
  in
  write let_leave (String.make count 'l');
  List.iter (fun child -> ignore (Unix.waitpid [] child)) children;
  join threads;
  report
    [ ("done", did); ("start_up_ns", (began - start) / count); ("time_ns", ended - began); ("memory", used / count) ]
