/* A host's allocator that fails at each single call in turn: obj_new answers GILRT_ERR_NOMEM and changes nothing; and that it
   gets back what it gave, by the size it was asked for. */
#include "check.h"

#define OBJECTS 40

static long calls_left;       /* until one fails */
static size_t blocks, bytes;  /* given, and not got back */

static void *give(size_t size, size_t align, void *user) {
  CHECK(user == &blocks);
  CHECK_EQ(align, 16);
  if (--calls_left == 0) return NULL;
  void *block = aligned_alloc(align, (size + align - 1) / align * align);
  CHECK(block);
  memset(block, 0xCC, size); /* zeroing it is the library's business */
  blocks++;
  bytes += size;
  return block;
}

static void take(void *block, size_t size, size_t align, void *user) {
  CHECK(user == &blocks);
  CHECK_EQ(align, 16);
  blocks--;
  bytes -= size;
  memset(block, 0xDD, size);
  free(block);
}

static void is_zero(obj_t *object, size_t size) {
  for (size_t i = 0; i < size; i++) CHECK_EQ(OBJ_PAYLOAD(object, char)[i], 0);
}

/* How many allocations of all went well before one failed. */
static unsigned make_all_but_the_nth(obj_type_t *type, long n) {
  obj_t *objects[OBJECTS];
  unsigned made = 0, failed = 0;
  int64_t live = obj_live_count();
  calls_left = n;
  for (unsigned i = 0; i < OBJECTS; i++) {
    obj_t *const untouched = (obj_t *)(void *)&blocks;
    obj_t *object = untouched;
    size_t extra = i % 3 * 17, given = blocks;
    int status = obj_new(type, extra, &object);
    if (status != GILRT_OK) {
      CHECK_STATUS(status, GILRT_ERR_NOMEM);
      CHECK(object == untouched);
      CHECK_EQ(blocks, given);
      CHECK_EQ(obj_live_count(), live + made);
      CHECK(gil_held());
      failed++;
      CHECK_STATUS(obj_new(type, extra, &object), GILRT_OK); /* the next time it works */
    }
    is_zero(object, 24 + extra);
    objects[made++] = object;
  }
  CHECK(failed <= 1);
  CHECK_EQ(obj_type_live_count(type), live + OBJECTS);
  while (made > 0) obj_decref(objects[--made]);
  CHECK_EQ(obj_live_count(), live);
  CHECK_EQ(blocks, 0);
  CHECK_EQ(bytes, 0);
  return failed;
}

int main(void) {
  const gilrt_config_t config = {.struct_size = sizeof config, .alloc = give, .free = take, .alloc_user = &blocks};
  const obj_type_config_t type_config = {.struct_size = sizeof type_config, .name = "thing", .payload_size = 24};
  obj_type_t *type = NULL;
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&type_config, &type), GILRT_OK);
  long n = 1;
  while (make_all_but_the_nth(type, n) == 1) n++;
  CHECK_EQ(n, OBJECTS + 1);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
