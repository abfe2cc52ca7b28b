(* What the programs beside this file share. *)

external work_holding : int -> int = "gilrt_work"
external work_releasing : int -> int = "gilrt_work_releasing"
external nothing_releasing : unit -> unit = "gilrt_nothing_releasing"
external now : unit -> int = "gilrt_now"
external sleep_releasing : int -> int = "gilrt_sleep_releasing"
external pin : int -> unit = "gilrt_pin"
external pairs : int -> int = "gilrt_pairs"

let countdown = 1000 (* steps of the language itself in a turn *)
let work = 50_000 (* multiplications in C in a turn *)

(* The box is allocated: OCaml 4 lets others in where it allocates, and nowhere else. *)
let interpreter () =
  let n = ref (Sys.opaque_identity (ref countdown)) in
  while !(!n) > 0 do
    n := Sys.opaque_identity (ref (!(!n) - 1))
  done

(* One turn of CPU-bound work of this kind. C code allocates nothing, so a turn ends with something that does. *)
let turn = function
  | "interpreter" -> interpreter
  | "holding" -> fun () -> ignore (work_holding work); ignore (Sys.opaque_identity (ref ()))
  | "releasing" -> fun () -> ignore (work_releasing work)
  | kind -> prerr_endline ("there is no work of the kind " ^ kind); exit 2

let argument i = int_of_string Sys.argv.(i)

let report figures =
  let figure (name, value) = Printf.sprintf "%S: %d" name value in
  print_endline ("{" ^ String.concat ", " (List.map figure figures) ^ "}")

let sum = Array.fold_left ( + ) 0

(* What fails in a thread is the program's failure. *)
let start_threads count body =
  let safely i = try body i with error -> prerr_endline (Printexc.to_string error); exit 1 in
  List.init count (Thread.create safely)

let join = List.iter Thread.join
