/*
 * Doubly linked nodes: what an extension must do so that its objects can refer to each other in circles. Two neighbours keep
 * each other alive, so counting alone never frees them; traverse and clear let the collector do it.
 *
 * The graph's own fields are guarded by the lock, as are the links: a node is changed by whoever holds it, and no function
 * here gives way while a node has one link of two.
 */
#include "sample.h"

#define DEFAULT_ROUNDS 10000u
#define MOST_ROUNDS 1000000000000u
#define DEFAULT_SIZE 10u
#define MOST_SIZE 1000000u
#define PROGRESS_STEP 256u
#define ENTRIES 64u /* nodes that churn holds from outside; all others live as long as one of these leads to them */

typedef struct graph {
  obj_type_t *type;
  obj_t *entries[ENTRIES]; /* each owns a reference, or is NULL */
  uint64_t made;           /* nodes ever made */
  uint64_t freed;          /* nodes whose finalizer has run */
  uint64_t walks;
  bool unloaded; /* the module is gone, and the last node's finalizer frees the graph */
  sample_run_t run;
} graph_t;

typedef struct node {
  graph_t *home;
  obj_t *next, *previous; /* each owns a reference, or is NULL */
  uint64_t seen;          /* by which walk */
} node_t;

static node_t *node(obj_t *object) { return OBJ_PAYLOAD(object, node_t); }

static void graph_free_when_unused(graph_t *graph) {
  if (graph->unloaded && graph->freed == graph->made) free(graph);
}

/* Once for each node, also for those that the collector frees. The neighbours are still there. */
static void node_finalize(obj_t *self) {
  graph_t *home = node(self)->home;
  home->freed++;
  graph_free_when_unused(home);
}

/* Every reference that the node owns, and no other. A node that was just made has none yet. */
static int node_traverse(obj_t *self, obj_visit_fn visit, void *user) {
  int answer = visit(node(self)->next, user);
  return answer != 0 ? answer : visit(node(self)->previous, user);
}

/* The links are gone before the neighbours are: their finalizers may look at this node. */
static void node_clear(obj_t *self) {
  obj_t *next = node(self)->next, *previous = node(self)->previous;
  node(self)->next = node(self)->previous = NULL;
  obj_decref(next);
  obj_decref(previous);
}

static int node_new(graph_t *graph, obj_t **out) {
  int status = obj_new(graph->type, 0, out);
  if (status != GILRT_OK) return status;
  node(*out)->home = graph;
  graph->made++;
  return GILRT_OK;
}

/* Makes `right` the one behind `left`. Who was beside either of them is cut off on that side. */
static void node_link(obj_t *left, obj_t *right) {
  obj_t *behind = node(left)->next, *before = node(right)->previous;
  node(left)->next = obj_newref(right);
  node(right)->previous = obj_newref(left);
  obj_t *from_behind = NULL, *from_before = NULL;
  if (behind && behind != right) {
    from_behind = node(behind)->previous;
    node(behind)->previous = NULL;
  }
  if (before && before != left) {
    from_before = node(before)->next;
    node(before)->next = NULL;
  }
  /* All links are right again before the first reference goes, with which a node may die. */
  obj_decref(behind);
  obj_decref(before);
  obj_decref(from_behind);
  obj_decref(from_before);
}

/* A ring of new nodes; the caller's reference is to one of them. */
static int ring_new(graph_t *graph, uint64_t size, obj_t **out) {
  obj_t *first;
  int status = node_new(graph, &first);
  if (status != GILRT_OK) return status;
  obj_t *last = obj_newref(first);
  for (uint64_t i = 1; i < size && status == GILRT_OK; i++) {
    obj_t *next;
    status = node_new(graph, &next);
    if (status != GILRT_OK) break;
    node_link(last, next);
    obj_decref(last);
    last = next;
  }
  if (status == GILRT_OK) node_link(last, first);
  obj_decref(last);
  if (status == GILRT_OK) *out = first;
  else obj_decref(first); /* neighbours keep each other, until the collector comes */
  return status;
}

/* A small generator of one's own, since rand() is shared by all threads. */
static uint32_t next_random(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*seed >> 32);
}

static void set_entry(graph_t *graph, uint32_t index, obj_t *object) {
  obj_t *old = graph->entries[index];
  graph->entries[index] = object;
  obj_decref(old);
}

static int churn_one(graph_t *graph, uint32_t random) {
  uint32_t index = random % ENTRIES, other = (random >> 8) % ENTRIES;
  obj_t *entry = graph->entries[index];
  if (!entry) {
    obj_t *ring;
    int status = ring_new(graph, 1 + (random >> 16) % 8, &ring);
    if (status == GILRT_OK) set_entry(graph, index, ring);
    return status;
  }
  switch ((random >> 24) % 4) {
  case 0: /* what only this one led to is garbage, if it hangs together */
    set_entry(graph, index, NULL);
    return GILRT_OK;
  case 1:
    if (graph->entries[other]) node_link(entry, graph->entries[other]);
    return GILRT_OK;
  case 2:
    if (node(entry)->next) set_entry(graph, index, obj_newref(node(entry)->next));
    return GILRT_OK;
  default: {
    obj_t *fresh;
    int status = node_new(graph, &fresh);
    if (status != GILRT_OK) return status;
    node_link(entry, fresh);
    obj_decref(fresh);
    return GILRT_OK;
  }
  }
}

/* How many nodes the entries lead to; -1 without memory. */
static int64_t count_reachable(graph_t *graph) {
  uint64_t walk = ++graph->walks, found = 0, done = 0;
  obj_t **nodes = malloc((graph->made - graph->freed + 1) * sizeof *nodes);
  if (!nodes) return -1;
  for (unsigned i = 0; i < ENTRIES; i++) {
    obj_t *candidates[] = {graph->entries[i], NULL};
    do {
      for (unsigned c = 0; c < 2; c++) {
        if (!candidates[c] || node(candidates[c])->seen == walk) continue;
        node(candidates[c])->seen = walk;
        nodes[found++] = candidates[c];
      }
      if (done == found) break;
      candidates[0] = node(nodes[done])->next;
      candidates[1] = node(nodes[done])->previous;
      done++;
    } while (true);
  }
  free(nodes);
  return (int64_t)found;
}

static int report(graph_t *graph, const gilrt_call_t *call) {
  int64_t before = (int64_t)(graph->made - graph->freed), collected = obj_collect();
  if (collected < 0 && collected != GILRT_ERR_BUSY) return (int)collected;
  sample_report(call, "made", (int64_t)graph->made);
  sample_report(call, "before", before);
  sample_report(call, "alive", (int64_t)(graph->made - graph->freed));
  sample_report(call, "reachable", count_reachable(graph));
  return GILRT_OK;
}

static int work(gilrt_call_t *call, int most_arguments, bool churn) {
  graph_t *graph = call->state;
  uint64_t rounds = DEFAULT_ROUNDS, size = DEFAULT_SIZE, seed = call->thread_index;
  int status = sample_check_share(call);
  if (status != GILRT_OK) return status;
  if (call->argc > most_arguments) return sample_fail(call, GILRT_ERR_INVALID, "too many arguments");
  status = sample_number(call, 0, "the number of rounds", MOST_ROUNDS, &rounds);
  if (status == GILRT_OK) status = sample_number(call, 1, "the size of a ring", MOST_SIZE, &size);
  if (status != GILRT_OK) return status;
  uint64_t done = 0;
  while (done < rounds && status == GILRT_OK) {
    obj_t *ring = NULL;
    status = churn ? churn_one(graph, next_random(&seed)) : ring_new(graph, size, &ring);
    obj_decref(ring); /* the last reference from outside: from here on only the collector can free it */
    if (status == GILRT_OK) status = gil_poll();
    if (++done % PROGRESS_STEP == 0) sample_progress(call, done, rounds);
  }
  sample_progress(call, done, rounds);
  if (sample_run_is_over(&graph->run, call) && status == GILRT_OK) status = report(graph, call);
  if (status == GILRT_OK) return GILRT_OK;
  return sample_fail(call, status, "the graph gave up: %s", gilrt_strerror(status));
}

static int run_rings(gilrt_call_t *call) { return work(call, 2, false); }

static int run_churn(gilrt_call_t *call) { return work(call, 1, true); }

static int load(void **state) {
  graph_t *graph = calloc(1, sizeof *graph);
  if (!graph) return GILRT_ERR_NOMEM;
  const obj_type_config_t config = {
      .struct_size = sizeof config,
      .name = "graph node",
      .payload_size = sizeof(node_t),
      .finalize = node_finalize,
      .traverse = node_traverse,
      .clear = node_clear,
  };
  int status = obj_type_new(&config, &graph->type);
  if (status != GILRT_OK) {
    free(graph);
    return status;
  }
  *state = graph;
  return GILRT_OK;
}

/* Nodes that somebody else holds outlive the module; the last one's finalizer frees the graph. */
static void unload(void *state) {
  graph_t *graph = state;
  for (uint32_t i = 0; i < ENTRIES; i++) set_entry(graph, i, NULL);
  obj_collect();
  graph->unloaded = true;
  graph_free_when_unused(graph);
}

static const gilrt_function_t functions[] = {
    {"rings", "[ROUNDS [SIZE]]: all threads make rings of doubly linked nodes and let go of them; the collector frees them",
     run_rings},
    {"churn", "[ROUNDS]: all threads link, follow and let go of nodes at random; what is left is what can be reached",
     run_churn},
};

/* Not free-threaded: the links are guarded by the lock alone. */
static const gilrt_module_t module = {
    .struct_size = sizeof module,
    .abi = GILRT_ABI,
    .name = "graph",
    .flags = 0,
    .load = load,
    .unload = unload,
    .functions = functions,
    .function_count = sizeof functions / sizeof functions[0],
};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
