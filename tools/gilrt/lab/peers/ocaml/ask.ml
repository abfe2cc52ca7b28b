(* ask PORT THREADS MILLISECONDS: threads that do nothing but ask a server and wait for its answer. *)
open Peer

let server = Unix.ADDR_INET (Unix.inet_addr_loopback, argument 1)
let threads = argument 2
let start = now ()
let finish = start + (argument 3 * 1_000_000)
let answered = Array.make threads 0

let ask i =
  let question = Bytes.make 8 '\000' and answer = Bytes.create 64 in
  Bytes.set_int64_le question 0 (Int64.of_int i);
  let s = Unix.socket Unix.PF_INET Unix.SOCK_DGRAM 0 in
  Unix.setsockopt_float s Unix.SO_RCVTIMEO 5.;
  Unix.connect s server;
  (* One answer at least, however late the thread began. *)
  let rec next () =
    ignore (Unix.send s question 0 8 []);
    let length = Unix.recv s answer 0 64 [] in
    if Bytes.sub answer 0 length <> question then failwith "the answer was another";
    answered.(i) <- answered.(i) + 1;
    if now () < finish then next ()
  in
  next ();
  Unix.close s

let () =
  join (start_threads threads ask);
  report
    [ ("round_trips", sum answered); ("least", Array.fold_left min max_int answered); ("elapsed_ns", now () - start) ]
