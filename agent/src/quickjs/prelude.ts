/**
 * What runs inside of the sandbox ahead of the script: takes away what depends on the machine, and carries values in and out. It keeps
 * its own hold of all that it calls, since the script may put something else in its place. Its answers are judged again outside.
 */
export const prelude = `(() => {
  'use strict';
  const { parse, stringify } = JSON;
  const { isArray } = Array;
  const { isView } = ArrayBuffer;
  const { apply, ownKeys, getPrototypeOf } = Reflect;
  const { hasOwn, defineProperty } = Object;
  const { imul } = Math;
  const objectPrototype = Object.prototype;
  const promiseThen = Promise.prototype.then;
  const promiseResolve = (value) => Promise.resolve(value);
  const text = String;
  const views = { Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array,
    BigUint64Array, Float32Array, Float64Array };
  const getterOf = (prototype, name) => {
    const { get } = Object.getOwnPropertyDescriptor(prototype, name);
    return (value) => apply(get, value, []);
  };
  const anyView = getPrototypeOf(Uint8Array.prototype);
  const viewName = getterOf(anyView, Symbol.toStringTag);
  const viewBuffer = getterOf(anyView, 'buffer');
  const viewOffset = getterOf(anyView, 'byteOffset');
  const viewBytes = getterOf(anyView, 'byteLength');

  // Chance: decided by the item alone.
  let a = 0, b = 0, c = 0, d = 0;
  const next = () => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  const seed = (word) => {
    let hash = 2166136261;
    for (let index = 0; index < word.length; index += 1) hash = imul(hash ^ word.charCodeAt(index), 16777619);
    a = hash; b = 0x9e3779b9; c = 0x243f6a88; d = 1;
    for (let round = 0; round < 15; round += 1) next();
  };
  Math.random = () => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
  seed('');

  // Threads, what the collector does, and code made of text.
  for (const name of ['SharedArrayBuffer', 'WeakRef', 'FinalizationRegistry', 'eval']) delete globalThis[name];
  const refuse = function Function() { throw new TypeError('a script makes no code of text'); };
  for (const kind of [function () {}, async function () {}, function* () {}, async function* () {}]) {
    defineProperty(getPrototypeOf(kind), 'constructor', { value: refuse });
  }
  refuse.prototype = Function.prototype;
  globalThis.Function = refuse;

  class Unfit { constructor(what, path) { this.what = what; this.path = path; } }

  const isNumbers = (value) => isView(value) && viewName(value) !== undefined;
  const numbersIn = (value) => {
    if (typeof value !== 'object' || value === null || isArray(value)) return undefined;
    if (hasOwn(value, 'data') && isNumbers(value.data)) return 'data';
    return hasOwn(value, 'samples') && isNumbers(value.samples) ? 'samples' : undefined;
  };
  const holdsNumbers = (value, depth) => {
    if (isArray(value)) {
      if (depth > 8) return false;
      for (let index = 0; index < value.length; index += 1) if (holdsNumbers(value[index], depth + 1)) return true;
      return false;
    }
    return isNumbers(value) || numbersIn(value) !== undefined;
  };

  const nameOf = (value) => {
    const { constructor } = value;
    return typeof constructor === 'function' && typeof constructor.name === 'string' && constructor.name !== '' ? constructor.name : 'unknown';
  };
  /** A copy of what JSON can say, or the place of what it cannot. */
  const plain = (value, path, depth) => {
    switch (typeof value) {
      case 'string': case 'boolean': return value;
      case 'number':
        if (value - value !== 0) throw new Unfit(text(value), path);
        return value;
      case 'object': break;
      default: throw new Unfit(typeof value === 'undefined' ? 'undefined' : 'a ' + typeof value, path);
    }
    if (value === null) return null;
    if (depth > 64) throw new Unfit('something deeper than 64 levels, or in itself', path);
    if (isArray(value)) {
      const copy = [];
      for (let index = 0; index < value.length; index += 1) defineProperty(copy, index, field(plain(value[index], path + '[' + index + ']', depth + 1)));
      return copy;
    }
    const prototype = getPrototypeOf(value);
    if (prototype !== objectPrototype && prototype !== null) throw new Unfit('an object of the kind ' + nameOf(value), path);
    const copy = { __proto__: null };
    const keys = ownKeys(value);
    for (let index = 0; index < keys.length; index += 1) {
      const key = keys[index];
      const held = typeof key === 'string' ? value[key] : undefined;
      if (held !== undefined) copy[key] = plain(held, path + '.' + key, depth + 1);
    }
    return copy;
  };
  const field = (value) => ({ __proto__: null, value, writable: true, enumerable: true, configurable: true });

  let buffers = [];
  const numbers = (value, path) => {
    const at = buffers.length;
    const name = viewName(value);
    if (!hasOwn(views, name)) throw new Unfit('a ' + name, path);
    defineProperty(buffers, at, field(viewBuffer(value)));
    return [name, at, viewOffset(value), viewBytes(value)];
  };
  const pack = (value, path, depth) => {
    if (isNumbers(value)) return ['array', numbers(value, path)];
    if (isArray(value) && depth < 8 && holdsNumbers(value, 0)) {
      const items = [];
      for (let index = 0; index < value.length; index += 1) defineProperty(items, index, field(pack(value[index], path + '[' + index + ']', depth + 1)));
      return ['list', items];
    }
    const name = numbersIn(value);
    if (name === undefined) return ['json', plain(value, path, 0)];
    const rest = { __proto__: null };
    const keys = ownKeys(value);
    for (let index = 0; index < keys.length; index += 1) {
      const key = keys[index];
      if (key !== name && typeof key === 'string' && value[key] !== undefined) rest[key] = plain(value[key], path + '.' + key, 0);
    }
    return ['record', rest, name, numbers(value[name], path + '.' + name)];
  };
  const unpack = (packed, given) => {
    switch (packed[0]) {
      case 'json': return packed[1];
      case 'array': return new views[packed[1]](given[packed[2]]);
      case 'record': packed[1][packed[2]] = new views[packed[3]](given[packed[4]]); return packed[1];
      default: {
        const items = [];
        for (let index = 0; index < packed[1].length; index += 1) items[index] = unpack(packed[1][index], given);
        return items;
      }
    }
  };

  let main;
  let params;
  let context;
  let keeps = false;
  let settled;
  return {
    load(exported, paramsText) {
      main = exported.default;
      params = parse(paramsText);
      return typeof main;
    },
    call(callText, ...given) {
      const call = parse(callText);
      seed(call.seed);
      const inputs = {};
      for (const port in call.inputs) inputs[port] = unpack(call.inputs[port], given);
      keeps = hasOwn(call, 'state');
      context = keeps ? { params, item: call.item, state: call.state } : { params, item: call.item };
      const answer = apply(main, undefined, [inputs, context]);
      if (typeof answer !== 'object' || answer === null || typeof answer.then !== 'function') {
        settled = { value: answer };
        return;
      }
      apply(promiseThen, promiseResolve(answer), [
        (value) => { settled = { value }; },
        (error) => { settled = { error }; },
      ]);
    },
    finish() {
      if (settled === undefined) return 'pending';
      if (hasOwn(settled, 'error')) throw settled.error;
      const { value } = settled;
      try {
        const outputs = { __proto__: null };
        if (value !== undefined && value !== null) {
          if (typeof value !== 'object' || isArray(value) || isNumbers(value)) throw new Unfit(isArray(value) ? 'an array' : typeof value, '');
          const ports = ownKeys(value);
          for (let index = 0; index < ports.length; index += 1) {
            const port = ports[index];
            if (typeof port === 'string' && value[port] !== undefined) outputs[port] = pack(value[port], 'outputs.' + port, 0);
          }
        }
        // What the script may have put there would be asked how to write the answer.
        delete Array.prototype.toJSON;
        delete objectPrototype.toJSON;
        const state = keeps ? stringify(plain(context.state, 'state', 0)) : '';
        return state.length + ':' + state + stringify(outputs);
      } catch (error) {
        if (error instanceof Unfit) return 'unfit:' + stringify({ what: error.what, path: error.path });
        throw error;
      }
    },
    buffer: (index) => buffers[index],
    describe(error) {
      const short = (word) => text(word).slice(0, 500);
      try {
        if (error instanceof Error) return stringify({ name: short(error.name), message: short(error.message), stack: short(error.stack) });
        return stringify({ message: short(typeof error === 'object' && error !== null ? stringify(error) : error) });
      } catch {
        return stringify({ message: 'something that cannot be shown' });
      }
    },
  };
})()`;
