/** `toriki cat`: one resource: its body, or with `--content` its bytes. */
import { TorikiError } from '../../errors.ts'
import { parseKey } from '../../resources/key.ts'
import type { CommandContext } from '../context.ts'
import { kindsOf } from '../component-kinds.ts'
import { shownBody } from '../resource-view.ts'
import { withRepository } from '../session.ts'
import { viewComponents, viewSnapshot } from '../snapshot-reference.ts'
import { selectedSlice } from '../slice-selection.ts'
import type { SliceOptions } from '../slice-selection.ts'

export interface CatOptions extends SliceOptions {
  readonly content?: boolean
  readonly secrets?: boolean
}

/** Zeros for the holes of a sparse file, a piece at a time. */
const ZEROS = Buffer.alloc(64 * 1024)

export async function cat(
  context: CommandContext,
  snapshotText: string,
  component: string,
  keyText: string,
  options: CatOptions,
): Promise<void> {
  await withRepository(context, async ({ repository }) => {
    const view = await viewSnapshot(repository, snapshotText, selectedSlice(options), 'read-content')
    for (const [name, snapshot] of viewComponents(view, component)) {
      const resource = await view.repository.resource(snapshot, name, parseKey(keyText, kindsOf(name)))
      if (resource === undefined) throw new TorikiError('resource-not-found')
      if (options.content !== true) {
        context.terminal.out(
          `${JSON.stringify(await shownBody(view.repository, resource, options.secrets === true), undefined, 2)}\n`,
        )
        continue
      }
      if (resource.content === undefined)
        throw new TorikiError('usage', {
          message: 'That resource has no content; leave out --content to see its body.',
        })
      for await (const part of view.repository.content(resource.content)) {
        if (part instanceof Uint8Array) await context.terminal.outBytes(part)
        else
          for (let left = part.holeBytes; left > 0; left -= ZEROS.length)
            await context.terminal.outBytes(ZEROS.subarray(0, Math.min(left, ZEROS.length)))
      }
    }
  })
}
