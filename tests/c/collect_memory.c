/* Memory of tracked objects comes from the host and goes back to it, whole; the collector itself needs none. */
#include "graph.h"

static size_t blocks, bytes;
static bool empty;

typedef struct block {
  size_t size, align;
} block_t;

/* What was asked for is noted before the block, and must come back with it. */
static void *give(size_t size, size_t align, void *user) {
  CHECK(user == &blocks);
  CHECK_EQ(align, 16);
  if (empty) return NULL;
  block_t *block = malloc(sizeof(block_t) + size);
  CHECK(block);
  *block = (block_t){size, align};
  memset(block + 1, 0xEE, size);
  blocks++;
  bytes += size;
  return block + 1;
}

static void take(void *p, size_t size, size_t align, void *user) {
  CHECK(user == &blocks);
  block_t *block = (block_t *)p - 1;
  CHECK_EQ(block->size, size);
  CHECK_EQ(block->align, align);
  memset(p, 0xDD, size);
  free(block);
  blocks--;
  bytes -= size;
}

int main(void) {
  const gilrt_config_t config = {.struct_size = sizeof config, .alloc = give, .free = take, .alloc_user = &blocks};
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_type_t *type = node_type("node", NULL, node_clear), *leaf = leaf_type();

  /* Sixteen bytes of header, sixteen of links where there is a traverse, sixteen more for the number of extra bytes. */
  obj_t *object = NULL;
  struct {
    obj_type_t *type;
    size_t extra, bytes;
  } cases[] = {{leaf, 0, 16}, {leaf, 5, 32 + 5}, {type, 0, 32}, {type, 5, 48 + 5}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    CHECK_STATUS(obj_new(cases[i].type, cases[i].extra, &object), GILRT_OK);
    CHECK_EQ(bytes, cases[i].bytes + sizeof(node_t));
    for (size_t at = 0; at < sizeof(node_t) + cases[i].extra; at++) CHECK_EQ(OBJ_PAYLOAD(object, char)[at], 0);
    obj_decref(object);
    CHECK_EQ(bytes, 0);
  }

  /* Without memory: what is due is collected first, then the answer is NOMEM, and nothing was made. */
  CHECK_STATUS(obj_set_collect_threshold(0, 100), GILRT_OK);
  obj_t *kept = ring_new(type, 10);
  obj_decref(ring_new(type, 90));
  CHECK_EQ(blocks, 100);
  empty = true;
  object = NULL;
  for (unsigned i = 0; i < 3; i++) {
    CHECK_STATUS(obj_new(type, i * 7, &object), GILRT_ERR_NOMEM);
    CHECK(!object);
    CHECK_EQ(obj_live_count(), 10);
    CHECK_EQ(blocks, 10);
  }
  CHECK_EQ(obj_collect(), 0);
  obj_decref(kept);
  CHECK_EQ(obj_collect(), 10);
  CHECK_EQ(blocks, 0);
  empty = false;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  node_link(object, 0, object);
  CHECK_EQ(obj_live_count(), 1);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  CHECK_LEFT_AT_THE_END(0);
  CHECK_EQ(blocks, 0);
  return 0;
}
