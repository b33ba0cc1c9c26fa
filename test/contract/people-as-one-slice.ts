import type { Component } from '../../lib/components/component.ts'
import { compareKeys } from '../../lib/resources/key.ts'
import type { Resource } from '../../lib/resources/resource.ts'
import { userSlice } from '../../lib/resources/slice.ts'

/** Several people as one slice, whatever slice is asked for: so that one plan makes, changes and removes. */
export function peopleAsOneSlice(component: Component, names: () => readonly string[]): Component {
  return new Proxy(component, {
    get(target, name) {
      if (name === 'read') return (_: unknown, context: Parameters<Component['read']>[1]) => readAll(context)
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

  async function* readAll(context: Parameters<Component['read']>[1]): AsyncGenerator<Resource> {
    const found: Resource[] = []
    for (const name of names()) for await (const one of component.read(userSlice(name), context)) found.push(one)
    yield* found.sort((a, b) => compareKeys(a.key, b.key))
  }
}
