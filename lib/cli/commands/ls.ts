/** `toriki ls`: the resources of a snapshot, as they stream from the tree. */
import { parseKey } from '../../resources/key.ts'
import type { CommandContext } from '../context.ts'
import { kindsOf } from '../component-kinds.ts'
import { listedResource } from '../resource-view.ts'
import type { ListedResource } from '../resource-view.ts'
import { withRepository } from '../session.ts'
import { viewComponents, viewSnapshot } from '../snapshot-reference.ts'
import { selectedSlice } from '../slice-selection.ts'
import type { SliceOptions } from '../slice-selection.ts'

export async function ls(
  context: CommandContext,
  snapshotText: string,
  component: string | undefined,
  prefix: string | undefined,
  options: SliceOptions,
): Promise<void> {
  await withRepository(context, async ({ repository }) => {
    const view = await viewSnapshot(repository, snapshotText, selectedSlice(options), 'read-trees')
    const print = context.json ? jsonArray(context) : lines(context)
    for (const [name, snapshot] of viewComponents(view, component)) {
      const under = prefix === undefined ? undefined : parseKey(prefix.replace(/\/+$/, ''), kindsOf(name))
      for await (const resource of view.repository.resources(snapshot, name, under === undefined ? {} : { under }))
        print.one(listedResource(name, resource))
    }
    print.end()
  })
}

interface Printer {
  one(resource: ListedResource): void
  end(): void
}

/** One JSON array, written as it grows: a home of a million files is never held in memory. */
function jsonArray({ terminal }: CommandContext): Printer {
  let first = true
  return {
    one(resource) {
      terminal.out(`${first ? '[\n  ' : ',\n  '}${JSON.stringify(resource)}`)
      first = false
    },
    end: () => terminal.out(first ? '[]\n' : '\n]\n'),
  }
}

function lines({ terminal }: CommandContext): Printer {
  return {
    one: ({ component, key, size }) =>
      terminal.out(
        `${terminal.style('dim', component.padEnd(9))} ${size === undefined ? ' '.repeat(14) : String(size).padStart(14)}  ${key}\n`,
      ),
    end: () => undefined,
  }
}
