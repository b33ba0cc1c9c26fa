/**
 * Gives a large buffer's memory back at once. The collector would come for it some time, and that often: it counts megabytes that lie outside of its heap, and walks the whole heap
 * for every few of them. Only for memory that nobody else looks at; the buffer is empty afterwards.
 */

/** Smaller ones may share Node's pool with others. */
const OWN_BYTES_MIN = 128 * 1024

export function giveBack(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && !buffer.detached && buffer.byteLength >= OWN_BYTES_MIN) buffer.transfer(0)
}
