/** How a room of the command line adds its commands to the program. */
import { InvalidArgumentError } from 'commander'
import type { Command } from 'commander'
import type { CommandContext } from './context.ts'

/** Registers one command; its action gets the context, the arguments, and the options as commander parsed them. */
export type RegisterCommand = (
  name: string,
  description: string,
  build: (one: Command) => Command,
  action: (context: CommandContext, words: string[], options: never) => Promise<number | void>,
  parent?: Command,
) => Command

/** For an option that may come again. */
export function gather(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}

/** @throws InvalidArgumentError, which commander shows. */
export function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1.')
  return value
}
