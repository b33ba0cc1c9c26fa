/** The same component, with people whose reading ends the process: one fills its memory, one goes on for ever. It comes in the middle, when something is stored already. */
import type { Component } from '../../lib/components/component.ts'

export interface Crashes {
  readonly outOfMemory?: string | undefined
  readonly outOfTime?: string | undefined
  /** Told before the one that goes on for ever. */
  readonly onStuck?: () => void
}

export function crashingComponent(component: Component, { outOfMemory, outOfTime, onStuck }: Crashes): Component {
  const { identify, source, isContainer } = component
  return {
    name: component.name,
    kinds: component.kinds,
    covers: (slice) => component.covers(slice),
    doctor: () => component.doctor(),
    members: (context) => component.members(context),
    ...(identify && { identify: identify.bind(component) }),
    ...(source && { source: source.bind(component) }),
    ...(isContainer && { isContainer: isContainer.bind(component) }),
    async *read(slice, context) {
      let taken = 0
      for await (const resource of component.read(slice, context)) {
        yield resource
        if (++taken < 3) continue
        if (slice.name === `user/${outOfMemory}`) fillMemory()
        if (slice.name === `user/${outOfTime}`) {
          onStuck?.()
          for (;;);
        }
      }
    },
    close: () => component.close(),
  }
}

function fillMemory(): void {
  const hoard: unknown[] = []
  for (;;) hoard.push(Array.from({ length: 10_000 }, (_, index) => ({ index })))
}
