/* The values with which the cache is put under load. Each knows the key that it was made for, so that one found under another
   key, or found after its death, is noticed. */
#ifndef ITEM_H
#define ITEM_H

#include <stdbool.h>
#include <stdint.h>

#include <gilrt.h>

int item_type_new(obj_type_t **out);
int item_new(obj_type_t *type, obj_t *cache, uint64_t key, obj_t **out);
bool item_is_sound(obj_t *self, uint64_t key);

#endif
