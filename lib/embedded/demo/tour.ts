/** What the demo says between the commands it runs: headings, the commands themselves as a person would type them, and the tour at the end. */
import { wrap } from '../../cli/table.ts'
import type { Terminal } from '../../cli/terminal.ts'

export interface Narrator {
  heading(text: string): void
  say(text: string): void
  /** The command line, as it could be typed. */
  command(words: readonly string[]): void
}

export function narrator(terminal: Terminal): Narrator {
  return {
    heading: (text) =>
      terminal.out(
        `\n${terminal.style('bold', terminal.style('cyan', `── ${text} ${'─'.repeat(Math.max(3, terminal.width - text.length - 4))}`))}\n`,
      ),
    say: (text) => terminal.out(`${text.startsWith('\n') ? '\n' : ''}${wrap(text.trimStart(), terminal.width)}`),
    command: (words) =>
      terminal.out(
        `\n${terminal.style('green', '$')} ${terminal.style('bold', ['toriki', ...words.map(quoted)].join(' '))}\n`,
      ),
  }
}

export interface TourFacts {
  /** As the person's shell reaches it. */
  readonly settings: string
  readonly folder: string
  readonly person: string
  readonly file: string
  readonly run: string
}

/** The commands worth trying, each with what it shows. */
export function tourCommands({ person, file, run }: TourFacts): readonly (readonly [command: string, shows: string])[] {
  return [
    [`bin/toriki snapshots --user ${person}`, 'what is stored of one person'],
    [`bin/toriki ls latest --user ${person}`, 'her account, and every file'],
    [`bin/toriki cat latest keycloak user/${person} --user ${person}`, 'the account; hashes are masked'],
    [`bin/toriki cat latest files ${file} --user ${person} --content`, 'one file'],
    [`bin/toriki find '*.ipynb' --user ${person}`, 'every version of every notebook'],
    [`bin/toriki restore plan --user ${person} --component files`, 'what a restore of the home would do'],
    [`bin/toriki restore --user ${person} --component files --path ${file}`, 'one file, put beside what is there'],
    [`bin/toriki status ${run}`, 'the run with the failure, as it ended'],
    [`bin/toriki export --user ${person} --out ./${person}`, 'everything of her as plain files'],
    ['bin/toriki --help', 'all the rest'],
  ]
}

function quoted(word: string): string {
  return /^[\w@%+=:,./{}-]+$/.test(word) ? word : `'${word}'`
}
