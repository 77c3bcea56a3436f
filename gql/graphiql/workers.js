// Monaco asks here for its workers; without them there is no validation and no completion. Import before GraphiQL.
// WORKER_FILES is filled in by build.mjs. The address is relative to this script, whatever path the server mounts it on.
globalThis.MonacoEnvironment = {
  getWorker(_id, label) {
    const file = WORKER_FILES[label] ?? WORKER_FILES.editor;
    return new Worker(new URL(file, import.meta.url), { name: label });
  },
};
