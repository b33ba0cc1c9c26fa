/** Asks before anything is written. */
import { confirm, isCancel } from '@clack/prompts'
import { TorikiError } from '../../errors.ts'
import type { CommandContext } from '../context.ts'

/** @throws TorikiError `usage` where nobody can be asked, `interrupted` when the answer is no. */
export async function askToRestore({ terminal, signal }: CommandContext, restore: string): Promise<void> {
  if (!terminal.interactive || !process.stdin.isTTY)
    throw new TorikiError('usage', {
      message: 'Restoring needs --yes where nobody can be asked. Nothing was changed.',
      remedy: `Look at the plan above, then: toriki restore apply ${restore} --yes`,
    })
  terminal.err('\n')
  // On stderr: with --json stdout is for the one document.
  const sure = await confirm({ message: 'Restore this?', initialValue: false, output: process.stderr, signal })
  if (isCancel(sure) || !sure)
    throw new TorikiError('interrupted', {
      message: 'Nothing was changed.',
      remedy: `The plan stays. When you are sure: toriki restore apply ${restore}`,
    })
}
