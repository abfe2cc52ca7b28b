(* echo KIND HOGS: a thread that answers packets, beside others that compute. Says its port, ends when told to quit. *)
open Peer

let work = turn Sys.argv.(1)
let hogs = argument 2
let turns = Array.make hogs 0
let stop = ref false

(* One turn at least, so that all of them have computed. *)
let rec compute i =
  work ();
  turns.(i) <- turns.(i) + 1;
  if not !stop then compute i

let () =
  let s = Unix.socket Unix.PF_INET Unix.SOCK_DGRAM 0 in
  (* A client that is gone says nothing any more. *)
  Unix.setsockopt_float s Unix.SO_RCVTIMEO 20.;
  Unix.bind s (Unix.ADDR_INET (Unix.inet_addr_loopback, 0));
  let workers = start_threads hogs compute in
  (match Unix.getsockname s with
  | Unix.ADDR_INET (_, port) -> report [ ("port", port) ]
  | Unix.ADDR_UNIX _ -> assert false);
  let packet = Bytes.create 64 in
  let rec answer answered =
    let length, client = Unix.recvfrom s packet 0 64 [] in
    if length = 4 && Bytes.sub_string packet 0 4 = "quit" then answered
    else begin
      ignore (Unix.sendto s packet 0 length [] client);
      answer (answered + 1)
    end
  in
  let answered = answer 0 in
  stop := true;
  join workers;
  report [ ("answered", answered); ("turns", sum turns) ]
