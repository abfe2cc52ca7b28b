/* A shared library of its own with a function that does nothing: what a call into a library costs by itself. */
int empty_call(void);

int empty_call(void) { return 0; }
