/** The same component on a source that takes its time, which is the clock's that a test turns: so much for a resource, and for its bytes. */
import type { Component } from '../../lib/components/component.ts'
import type { Content, ContentPart } from '../../lib/resources/resource.ts'

export interface Slowness {
  readonly turn: (ms: number) => Promise<void>
  readonly msPerResource: number
  readonly bytesPerSecond: number
}

export function slowComponent(component: Component, { turn, msPerResource, bytesPerSecond }: Slowness): Component {
  async function* slowParts(content: Content): AsyncGenerator<ContentPart> {
    for await (const part of content.parts()) {
      if (!('holeBytes' in part)) await turn((part.length / bytesPerSecond) * 1000)
      yield part
    }
  }
  const slow = (content: Content): Content => {
    const { settle } = content
    return { parts: () => slowParts(content), ...(settle && { settle: () => settle.call(content) }) }
  }
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
      // The clock turns with what is read here: other threads would read in no time.
      const { reading: _, ...alone } = context
      for await (const resource of component.read(slice, alone)) {
        await turn(msPerResource)
        context.signal.throwIfAborted()
        const { content } = resource
        yield content === undefined ? resource : { ...resource, content: slow(content) }
      }
    },
    close: () => component.close(),
  }
}
