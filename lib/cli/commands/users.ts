/** `toriki users`: everybody the components know, and with `--all` those who left but have snapshots. */
import { knownSlices } from '../../backup/known-slices.ts'
import { listMembers } from '../../backup/members.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { plural } from '../quantities.ts'
import { withService } from '../session.ts'
import { formatTable } from '../table.ts'

interface ListedUser {
  readonly name: string
  readonly slice: string
  readonly known: Readonly<Record<string, boolean>>
  /** Known by some configured component that tells people apart, but not by all. */
  readonly orphan: boolean
  readonly left?: true
}

export async function users(context: CommandContext, options: { readonly all?: boolean }): Promise<void> {
  const listed = await withService(context, async ({ service }) => {
    const names = service.components.map(({ name }) => name)
    const { members, unreachable } = await listMembers(service, context.signal)
    for (const { component, code } of unreachable)
      context.terminal.err(
        context.terminal.style(
          'yellow',
          `${component} could not be listed (${code}); its people may be missing here.\n`,
        ),
      )
    const rows: ListedUser[] = []
    for (const member of members) {
      if (!member.slice.startsWith('user/')) continue
      const known = Object.fromEntries(names.map((name) => [name, member.known.includes(name)]))
      rows.push({
        name: member.slice.slice('user/'.length),
        slice: member.slice,
        known,
        orphan: names.some((name) => known[name] === false),
      })
    }
    if (options.all === true) {
      const present = new Set(rows.map(({ slice }) => slice))
      for await (const slice of knownSlices(service.repository.records, service.platform.clock.now())) {
        if (slice.startsWith('user/') && !present.has(slice)) {
          rows.push({
            name: slice.slice('user/'.length),
            slice,
            known: Object.fromEntries(names.map((name) => [name, false])),
            orphan: false,
            left: true,
          })
        }
      }
    }
    return rows.sort((a, b) => (a.slice < b.slice ? -1 : a.slice > b.slice ? 1 : 0))
  })
  const { terminal } = context
  answer(context, listed, () => {
    const components = Object.keys(listed[0]?.known ?? {})
    return (
      formatTable<ListedUser>(
        [
          { heading: 'USER', cell: (row) => row.name, flexible: true },
          ...components.map((name) => ({
            heading: name.toUpperCase(),
            cell: (row: ListedUser) => (row.known[name] === true ? 'yes' : '–'),
            paint: (text: string, row: ListedUser) =>
              row.known[name] === true ? text : terminal.style('yellow', text),
          })),
          {
            heading: '',
            cell: (row) => (row.left === true ? 'left' : row.orphan ? 'not everywhere' : ''),
            paint: (text) => terminal.style('dim', text),
          },
        ],
        listed,
        terminal.width,
        (text) => terminal.style('bold', text),
      ) + `${plural(listed.length, 'user')}.\n`
    )
  })
}
