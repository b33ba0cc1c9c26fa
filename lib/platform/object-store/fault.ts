/** A store that fails on purpose, as the injector's plan wants it. */
import type { FaultInjector } from '../fault.ts'
import type { ObjectStore } from './port.ts'

/** The same store with faults. A duplicated create meets its own object, as a request does that the network repeats. */
export function faultyObjectStore(store: ObjectStore, faults: FaultInjector): ObjectStore {
  const port = 'object-store'
  return {
    create: (key, body) => faults.run({ port, operation: 'create', subject: key }, () => store.create(key, body)),
    get: (key, options) => faults.run({ port, operation: 'get', subject: key }, () => store.get(key, options)),
    list: (prefix, options) =>
      faults.run({ port, operation: 'list', subject: prefix }, () => store.list(prefix, options)),
    delete: (key) => faults.run({ port, operation: 'delete', subject: key }, () => store.delete(key)),
  }
}
