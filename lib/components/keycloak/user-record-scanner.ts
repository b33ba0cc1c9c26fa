/**
 * Where each record of the list `users` lies in a file of a realm's export, found in one pass over its bytes: a file of any size is never held in memory. The scanner
 * follows strings, escapes and nesting; what stands inside a record is parsed by whoever needs it.
 */

export interface RecordPlace {
  readonly offset: number
  readonly length: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const USERS = Buffer.from('"users"')

export class UserRecordScanner {
  #offset = 0
  /** Open objects and lists. 1: inside the document; 2: inside `users`; 3: inside a record. */
  #depth = 0
  #isText = false
  #isEscaped = false
  /** The text that began last on the document's own level, to know the name of the member that follows. */
  #name: number[] = []
  #isUsers = false
  #inUsers = false
  #begin = 0

  /** Takes the next bytes; gives the records that end in them. */
  push(bytes: Uint8Array): readonly RecordPlace[] {
    const ended: RecordPlace[] = []
    for (const byte of bytes) {
      const at = this.#offset++
      if (this.#isText) {
        this.#insideText(byte)
        continue
      }
      if (byte === QUOTE) {
        this.#isText = true
        if (this.#depth === 1) this.#name = [QUOTE]
      } else if (byte === 0x7b || byte === 0x5b) {
        this.#depth++
        if (this.#depth === 2 && byte === 0x5b && this.#isUsers) this.#inUsers = true
        if (this.#depth === 3 && this.#inUsers) this.#begin = at
      } else if (byte === 0x7d || byte === 0x5d) {
        if (this.#depth === 3 && this.#inUsers) ended.push({ offset: this.#begin, length: at + 1 - this.#begin })
        if (this.#depth === 2) this.#inUsers = false
        this.#depth--
      } else if (byte === 0x3a && this.#depth === 1) {
        this.#isUsers = USERS.equals(Uint8Array.from(this.#name))
      } else if (byte === 0x2c && this.#depth === 1) {
        this.#isUsers = false
      }
    }
    return ended
  }

  /** Did the document end? A file that is still being written, or was cut, did not. */
  get isWhole(): boolean {
    return this.#offset > 0 && this.#depth === 0 && !this.#isText
  }

  #insideText(byte: number): void {
    if (this.#depth === 1 && this.#name.length <= USERS.length) this.#name.push(byte)
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === BACKSLASH) this.#isEscaped = true
    else if (byte === QUOTE) this.#isText = false
  }
}
