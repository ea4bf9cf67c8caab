// Records what other modules do to the globals. It is imported before them.
export const calls = [];

function watch(owner, name) {
  const original = owner?.[name];
  if (typeof original !== 'function') return;
  owner[name] = function (...args) {
    calls.push(name);
    return Reflect.apply(original, this, args);
  };
}

watch(Math, 'random');
watch(globalThis.crypto, 'getRandomValues');
watch(globalThis.EventTarget?.prototype, 'addEventListener');
watch(globalThis.process, 'on');
for (const name of ['addEventListener', 'setTimeout', 'setInterval', 'setImmediate', 'fetch']) watch(globalThis, name);
