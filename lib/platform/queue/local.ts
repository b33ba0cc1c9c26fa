/**
 * Queues in one SQLite file: the embedded default. Several processes may use the file at once. SQS's rules, kept by one table (README.md).
 *
 * A send is on the disk when it returns, and so is the count of a receive (a message that brings the machine down must not come back for ever). A
 * delete or a changed visibility may be lost in a power cut, not in a crash of the process: the message is then delivered once more.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import { assertOutgoing, assertReceive, assertVisibility } from './bounds.ts'
import type { ReceiveOptions } from './bounds.ts'
import { openQueueFile, QUEUE_FILE, queueFileError } from './local-file.ts'
import type { OutgoingMessage, Queue, QueueName, Queues, ReceivedMessage } from './port.ts'
import { queueNames } from './port.ts'
import { WakeUp } from './wake-up.ts'

/** Another process may send at any time: a waiting receiver looks this soon at first, then ever more seldom up to the last. */
const LOOK_FIRST_MS = 10
const LOOK_LAST_MS = 200

export interface LocalQueuesOptions {
  readonly folder: string
  readonly clock: Clock
  readonly random: Random
  /** Received so often without a delete, a message moves to the dead-letter queue at its next receive. */
  readonly receivesMax: number
}

/** @throws TorikiError as `openQueueFile`. */
export function openLocalQueues(options: LocalQueuesOptions): Queues {
  const file = new QueueFile(options)
  const queues = new Map<QueueName, Queue>()
  const dead = new Map<QueueName, Queue>()
  for (const name of queueNames) {
    queues.set(name, new LocalQueue(file, options, name, `${name}.dead`))
    dead.set(name, new LocalQueue(file, options, `${name}.dead`, undefined))
  }
  return {
    queue: (name) => queues.get(name) as Queue,
    deadLetter: (name) => dead.get(name) as Queue,
    close: async () => file.close(),
  }
}

/** The open file: its statements, its transactions, and who waits for messages in this process. */
class QueueFile {
  readonly wakeUp = new WakeUp()
  readonly #database: DatabaseSync
  readonly #path: string
  readonly #statements = new Map<string, StatementSync>()
  #open = true

  constructor(options: LocalQueuesOptions) {
    this.#path = join(options.folder, QUEUE_FILE)
    this.#database = openQueueFile(options.folder)
  }

  get isOpen(): boolean {
    return this.#open
  }

  statement(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql)
    this.#statements.set(sql, known)
    return known
  }

  /** Reads. @throws TorikiError `queue-unavailable`, `queue-refused`. */
  read<T>(action: () => T): T {
    assert(this.#open, 'the queues are closed')
    try {
      return action()
    } catch (error) {
      throw queueFileError(error, this.#path)
    }
  }

  /** One transaction, all or nothing; `durable` waits for the disk. @throws as `read`. */
  write<T>(durable: boolean, action: () => T): T {
    return this.read(() => {
      this.#database.exec(`PRAGMA synchronous = ${durable ? 'FULL' : 'NORMAL'}; BEGIN IMMEDIATE`)
      try {
        const result = action()
        this.#database.exec('COMMIT')
        return result
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
        throw error
      }
    })
  }

  /** Moves everything into the one file, when nobody else uses it. Twice is once. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    this.wakeUp.wake()
    this.#statements.clear()
    try {
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    } catch (error) {
      throw queueFileError(error, this.#path)
    } finally {
      this.#database.close()
    }
  }
}

class LocalQueue implements Queue {
  readonly #file: QueueFile
  readonly #options: LocalQueuesOptions
  readonly #name: string
  readonly #dead: string | undefined

  constructor(file: QueueFile, options: LocalQueuesOptions, name: string, dead: string | undefined) {
    this.#file = file
    this.#options = options
    this.#name = name
    this.#dead = dead
  }

  async send(messages: readonly OutgoingMessage[]): Promise<void> {
    assertOutgoing(messages)
    if (messages.length === 0) return
    const now = this.#now()
    this.#file.write(true, () => {
      const insert = this.#file.statement(
        'INSERT INTO message (id, queue, body, sent_at_ms, visible_at_ms, receive_count) VALUES (?, ?, ?, ?, ?, 0)',
      )
      for (const { body, delaySeconds = 0 } of messages)
        insert.run(this.#randomId(), this.#name, body, now, now + delaySeconds * 1000)
    })
    this.#file.wakeUp.wake()
  }

  async receive(options: ReceiveOptions): Promise<readonly ReceivedMessage[]> {
    assertReceive(options)
    const { clock } = this.#options
    const deadlineMs = clock.monotonicMs() + options.waitMs
    for (let lookMs = LOOK_FIRST_MS; ; lookMs = Math.min(LOOK_LAST_MS, lookMs * 2)) {
      if (options.signal?.aborted === true || !this.#file.isOpen) return []
      const visibleInMs = this.#nextVisibleInMs()
      const taken = visibleInMs <= 0 ? this.#take(options) : []
      const leftMs = deadlineMs - clock.monotonicMs()
      if (taken.length > 0 || leftMs <= 0) return taken
      await this.#file.wakeUp.sleep(clock, Math.min(leftMs, lookMs, Math.max(1, visibleInMs)), options.signal)
    }
  }

  async delete(receipt: string): Promise<void> {
    const { seq, token } = parseReceipt(receipt)
    this.#file.write(false, () =>
      this.#file
        .statement('DELETE FROM message WHERE seq = ? AND receipt = ? AND queue = ?')
        .run(seq, token, this.#name),
    )
  }

  async changeVisibility(receipt: string, visibilityMs: number): Promise<void> {
    assertVisibility(visibilityMs)
    const { seq, token } = parseReceipt(receipt)
    const now = this.#now()
    this.#file.write(false, () =>
      this.#file
        .statement(
          'UPDATE message SET visible_at_ms = ? WHERE seq = ? AND receipt = ? AND queue = ? AND visible_at_ms > ?',
        )
        .run(now + Math.round(visibilityMs), seq, token, this.#name, now),
    )
    this.#file.wakeUp.wake()
  }

  async depth(): Promise<{ visible: number; hidden: number; delayed: number }> {
    const now = this.#now()
    const row = this.#file.read(() =>
      this.#file
        .statement(
          `SELECT count(*) FILTER (WHERE visible_at_ms <= ?1) AS visible,
                  count(*) FILTER (WHERE visible_at_ms > ?1 AND receipt IS NOT NULL) AS hidden,
                  count(*) FILTER (WHERE visible_at_ms > ?1 AND receipt IS NULL) AS delayed
           FROM message WHERE queue = ?2`,
        )
        .get(now, this.#name),
    )
    return { visible: Number(row?.['visible']), hidden: Number(row?.['hidden']), delayed: Number(row?.['delayed']) }
  }

  #take({ max, visibilityMs }: ReceiveOptions): ReceivedMessage[] {
    const now = this.#now()
    const hideMs = Math.round(visibilityMs)
    return this.#file.write(true, () => {
      const taken: ReceivedMessage[] = []
      const select = this.#file.statement(
        'SELECT seq, id, body, sent_at_ms, receive_count FROM message WHERE queue = ? AND visible_at_ms <= ? ORDER BY visible_at_ms, seq LIMIT ?',
      )
      const bury = this.#file.statement('UPDATE message SET queue = ?, visible_at_ms = ?, receipt = NULL WHERE seq = ?')
      const hide = this.#file.statement(
        'UPDATE message SET visible_at_ms = ?, receive_count = ?, receipt = ? WHERE seq = ?',
      )
      for (let buried = true; buried && taken.length < max;) {
        buried = false
        for (const row of select.all(this.#name, now, max - taken.length)) {
          const seq = Number(row['seq'])
          const receiveCount = Number(row['receive_count']) + 1
          if (this.#dead !== undefined && receiveCount > this.#options.receivesMax) {
            bury.run(this.#dead, now, seq)
            buried = true // its place in the answer may go to another
            continue
          }
          const token = this.#randomId()
          hide.run(now + hideMs, receiveCount, token, seq)
          taken.push({
            id: String(row['id']),
            receipt: `${seq}.${token}`,
            body: String(row['body']),
            receiveCount,
            sentAt: new Date(Number(row['sent_at_ms'])),
          })
        }
        if (hideMs === 0) break // what was taken is visible at once, and would be taken again
      }
      return taken
    })
  }

  /** How long until a message of this queue may be visible; 0 or less: one is. */
  #nextVisibleInMs(): number {
    const row = this.#file.read(() =>
      this.#file.statement('SELECT min(visible_at_ms) AS next FROM message WHERE queue = ?').get(this.#name),
    )
    const next = row?.['next']
    return typeof next === 'number' ? next - this.#now() : Number.POSITIVE_INFINITY
  }

  #now(): number {
    return this.#options.clock.now().getTime()
  }

  #randomId(): string {
    return this.#options.random.bytes(16).toString('hex')
  }
}

/** A receipt that is none of ours finds nothing. */
function parseReceipt(receipt: string): { readonly seq: number; readonly token: string } {
  const dot = receipt.indexOf('.')
  const seq = Number(receipt.slice(0, Math.max(0, dot)))
  return { seq: Number.isSafeInteger(seq) ? seq : 0, token: receipt.slice(dot + 1) }
}
