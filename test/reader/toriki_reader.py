#!/usr/bin/env python3
"""Restores one slice from a folder store and a keyring, written from docs/format.md alone: it shares nothing with the program that wrote the repository.

    python3 toriki_reader.py --store DIR --keyring FILE --slice user/ann [--snapshot RUN.N] [--out DIR]

Without --out it lists the snapshots. With it, what is a file goes under OUT/files, and every other resource into OUT/<component>.json, secrets included.
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import struct
import sys

import zstandard
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KINDS = {'deployment': 1, 'pack': 5, 'tree-pack': 6, 'index': 7, 'snapshot': 8, 'mark': 11, 'pack-table': 16, 'inline-content': 17}
VERSION = 1
OBJECT_BYTES_MAX = 64 << 20
CHUNK_BYTES_MAX = 32 << 20
KEY_BYTES_MAX = 65_536
NODE_ITEMS_MAX = 65_536
NODE_KEYS_BYTES_MAX = 256 << 20
LEVEL_MAX = 36
JSON_DEPTH_MAX = 100
PACK_CHUNKS_MAX = 65_536


class Broken(Exception):
    """What is stored is not what the format says."""


def need(condition, what):
    if not condition:
        raise Broken(what)


def document_of(data, what):
    """Stored JSON: nested within bounds, and needing no feature that is not known here."""
    depth, deepest, text, escaped = 0, 0, False, False
    for byte in data if len(data) > 2 * JSON_DEPTH_MAX else b'':
        if text:
            escaped, text = (False, True) if escaped else (byte == 0x5C, byte != 0x22)
        elif byte == 0x22:
            text = True
        elif byte in b'{[':
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b'}]':
            depth -= 1
    need(deepest <= JSON_DEPTH_MAX, f'{what}: nested too deep')
    try:
        document = json.loads(data)
    except ValueError as error:
        raise Broken(f'{what}: no JSON') from error
    need(isinstance(document, dict), f'{what}: no object')
    need(document.get('mandatory', []) == [], f'{what}: needs a newer reader')
    return document


# --- primitives ---------------------------------------------------------------------------------------------------------------------------------------


def hkdf(key, info, length, salt=None):
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(key)


def base32(data):
    return base64.b32encode(data).decode('ascii').rstrip('=').lower()


def canonical(value):
    """RFC 8785 for what stands in contexts: objects of ASCII texts."""
    return json.dumps(value, sort_keys=True, separators=(',', ':'), ensure_ascii=False).encode('utf-8')


def open_record(key, number, sealed, path, kind, version, last):
    data = struct.pack('>H', len(path)) + path + bytes([kind, version, last]) + struct.pack('>Q', number)
    try:
        return AESGCM(key).decrypt(bytes(4) + struct.pack('>Q', number), sealed, data)
    except Exception as error:
        raise Broken(f'{path.decode()}: record {number} does not open') from error


class Seal:
    """The header of a sealed object, checked against its parent key."""

    def __init__(self, parent, kind, path, header):
        need(len(header) >= 72 and header[:6] == b'toriki', f'{path}: no sealed object')
        self.version, self.kind, self.path = header[6], KINDS[kind], path.encode('utf-8')
        need(self.version == VERSION and header[7] == self.kind, f'{path}: another version or kind')
        both = hkdf(parent, b'toriki seal' + bytes([self.kind, self.version]), 64, header[8:40])
        need(hmac.compare_digest(both[32:], header[40:72]), f'{path}: sealed under another key')
        self.key = both[:32]

    def block(self, number, sealed):
        return open_record(self.key, number, sealed, self.path, self.kind, self.version, 0)


def open_object(parent, kind, path, body):
    """The records of an object that is read whole."""
    seal = Seal(parent, kind, path, body)
    at, records = 72, []
    while True:
        need(len(body) - at >= 4, f'{path}: the end is missing')
        frame = struct.unpack_from('>I', body, at)[0]
        last, length = frame >> 31, frame & 0x7FFFFFFF
        end = at + 4 + length + 16
        need(end <= len(body), f'{path}: the end is missing')
        records.append(open_record(seal.key, len(records), body[at + 4 : end], seal.path, seal.kind, seal.version, last))
        at = end
        if last:
            need(at == len(body), f'{path}: something follows the end')
            return records


def block_of(data, plain_bytes):
    need(len(data) >= 1 and data[0] in (0, 1) and plain_bytes <= CHUNK_BYTES_MAX, 'a block of no known form')
    plain = data[1:] if data[0] == 0 else decompress(data[1:], plain_bytes)
    need(len(plain) == plain_bytes, 'a block of another length')
    return plain


def decompress(frame, plain_bytes):
    try:
        # What the frame itself says of its length is believed by the library: before it takes the memory.
        said = zstandard.get_frame_parameters(frame)
        need(said.content_size in (plain_bytes, zstandard.CONTENTSIZE_UNKNOWN) and said.window_size <= 1 << 27, 'a block of another length')
        return zstandard.ZstdDecompressor().decompress(frame, max_output_size=plain_bytes)
    except zstandard.ZstdError as error:
        raise Broken('a block that does not unpack') from error


def content_parent(private, enc, path):
    """HPKE (RFC 9180): base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, export-only; Export("toriki seal", 32)."""
    kem, suite = b'KEM' + struct.pack('>H', 0x20), b'HPKE' + struct.pack('>HHH', 0x20, 1, 0xFFFF)

    def extract(suite_id, salt, label, ikm):
        return hmac.new(salt, b'HPKE-v1' + suite_id + label + ikm, hashlib.sha256).digest()

    def expand(suite_id, prk, label, info, length):
        labeled = struct.pack('>H', length) + b'HPKE-v1' + suite_id + label + info
        return HKDFExpand(algorithm=SHA256(), length=length, info=labeled).derive(prk)

    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(enc))
    except ValueError as error:
        raise Broken(f'{path}: a key that cannot be') from error
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    secret = expand(kem, extract(kem, b'', b'eae_prk', shared), b'shared_secret', enc + public, 32)
    info = b'toriki content\0' + path.encode('utf-8')
    context = b'\0' + extract(suite, b'', b'psk_id_hash', b'') + extract(suite, b'', b'info_hash', info)
    exporter = expand(suite, extract(suite, secret, b'secret', b''), b'exp', context, 32)
    return expand(suite, exporter, b'sec', b'toriki seal', 32)


class Bytes:
    """A cursor over bytes that came from outside."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def raw(self, count):
        need(0 <= count <= len(self.data) - self.at, 'bytes are missing')
        self.at += count
        return self.data[self.at - count : self.at]

    def varint(self):
        value, shift = 0, 0
        while True:
            byte = self.raw(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                need(value < 1 << 53 and not (byte == 0 and shift > 0), 'a number of no shortest form')
                return value
            shift += 7
            need(shift < 56, 'a number that is too long')

    def counted(self):
        return self.raw(self.varint())

    def end(self):
        need(self.at == len(self.data), 'bytes are left over')


# --- keys ---------------------------------------------------------------------------------------------------------------------------------------------


class Store:
    def __init__(self, folder):
        self.folder = folder

    def get(self, path):
        name = os.path.join(self.folder, path)
        need(os.path.getsize(name) <= OBJECT_BYTES_MAX, f'{path}: longer than any object')
        with open(name, 'rb') as file:
            return file.read()

    def names(self, folder):
        try:
            return sorted(os.listdir(os.path.join(self.folder, folder)))
        except FileNotFoundError:
            return []

    def highest(self, folder):
        numbers = [int(name) for name in self.names(folder) if name.isdigit()]
        return max(numbers, default=None)


class Keyring:
    def __init__(self, path):
        with open(path, encoding='utf-8') as file:
            document = json.load(file)
        need(document.get('format') == 'toriki-keyring', 'not a keyring')
        self.keys = {bytes.fromhex(one['id']): base64.b64decode(one['key']) for one in document['keys']}

    def unwrap(self, wrapped, context):
        need(wrapped[:5] == b'TKWR\x01' and wrapped[5:21] in self.keys, 'wrapped by another keyring')
        return AESGCM(self.keys[wrapped[5:21]]).decrypt(wrapped[21:33], wrapped[33:], wrapped[:33] + canonical(context))


def key_object(store, keyring, folder, purpose, context):
    document = document_of(store.get(f'{folder}/{store.highest(folder)}'), folder)
    need(document.get('format') == 'toriki keys' and document.get('version') == VERSION, f'{folder}: another version')
    for wrapping in document['wrappings'][purpose]:
        try:
            secret = keyring.unwrap(base64.b64decode(wrapping['wrapped']), {**context, 'purpose': purpose})
        except Exception:  # another service's wrapping
            continue
        if purpose != 'content':
            need(base64.b64decode(document['check']) == hkdf(secret, b'toriki key check', 32), f'{folder}: not the secrets that were wrapped first')
        return secret
    raise Broken(f'{folder}: no wrapping opens')


# --- one slice ----------------------------------------------------------------------------------------------------------------------------------------


class Slice:
    def __init__(self, store, keyring, name):
        self.store = store
        deployment = document_of(store.get(f'deployment/{store.highest("deployment")}'), 'deployment')
        need(deployment.get('format') == 'toriki deployment' and deployment.get('version') == VERSION, 'a repository of another version')
        context = {'deployment': deployment['id']}
        naming_key = key_object(store, keyring, 'keys/deployment', 'deployment', context)[:32]
        self.id = self.newest_generation(naming_key, name)
        need(self.id is not None, f'nothing is stored of {name}')
        context['slice'] = self.id
        tree = key_object(store, keyring, f'keys/{self.id}', 'tree', context)
        private = key_object(store, keyring, f'keys/{self.id}', 'content', context)
        self.private = X25519PrivateKey.from_private_bytes(private)
        need(self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) == tree[32:], 'a content key of somebody else')
        self.chunk_key = hkdf(tree[:32], b'toriki chunk id', 64)
        self.tree_key = hkdf(tree[:32], b'toriki tree seal', 32)
        self.digest_key = hkdf(self.chunk_key, b'toriki digest', 32)
        self.places = None
        self.blocks = {}
        self.snapshots = {}

    def newest_generation(self, naming_key, name):
        found = None
        for generation in range(1, 10_000):
            digest = hmac.new(naming_key, name.encode('utf-8') + b'\0' + str(generation).encode(), hashlib.sha256).digest()
            one = base32(digest[:16])
            if os.path.exists(os.path.join(self.store.folder, f'erased/{one}')):
                continue
            keys = self.store.names(f'keys/{one}')
            if not keys:
                return found
            found = one
            if 'next' not in keys:
                return found
        return found

    def digest(self, purpose, *parts):
        text = self.digest_key + purpose.encode() + b'\0'
        for part in parts:
            text += struct.pack('>Q', len(part)) + part
        return hashlib.sha256(text).digest()

    # snapshots

    def ids(self):
        """Those that count, newest first."""
        marks = self.store.highest(f'slices/{self.id}/marks')
        forgotten = set()
        if marks is not None:
            path = f'slices/{self.id}/marks/{marks}'
            document = document_of(open_object(self.tree_key, 'mark', path, self.store.get(path))[0], path)
            forgotten = {one['id'] for one in document['forgotten']}
        split = [name.rsplit('.', 1) for name in self.store.names(f'slices/{self.id}/snapshots')]
        ordered = sorted(((run, int(n)) for run, n in split), reverse=True)
        seen, ids = set(), []
        for run, n in ordered:
            if f'{run}.{n}' not in forgotten and run not in seen:
                seen.add(run)
                ids.append(f'{run}.{n}')
        return ids

    def snapshot(self, name):
        if name not in self.snapshots:
            path = f'slices/{self.id}/snapshots/{name}'
            records = open_object(self.tree_key, 'snapshot', path, self.store.get(path))
            document = document_of(records[0], path)
            blocks = {'tree': b'', 'content': b''}
            if document['blocks']['tree']:
                blocks['tree'] = block_of(records[1], document['blocks']['tree'])
            if document['blocks']['content']:
                parent = content_parent(self.private, records[2][:32], path)
                inner = open_object(parent, 'inline-content', path, records[2][32:])
                blocks['content'] = block_of(inner[0], document['blocks']['content'])
            self.snapshots[name] = (document, blocks)
        return self.snapshots[name]

    # chunks

    def load_index(self):
        superseded, objects = set(), {}
        for name in self.store.names(f'slices/{self.id}/index'):
            path = f'slices/{self.id}/index/{name}'
            records = open_object(self.tree_key, 'index', path, self.store.get(path))
            superseded |= set(document_of(records[0], path)['supersedes'])
            objects[name] = records[1:]
        self.places = {}
        for name, tables in objects.items():
            if name not in superseded:
                for table in tables:
                    self.read_table(table)

    def read_table(self, table):
        cursor = Bytes(table)
        sort, pack = ('content', 'tree')[cursor.raw(1)[0]], base32(cursor.raw(16))
        header = cursor.raw(cursor.raw(1)[0])
        offset = len(header)
        for number in range(struct.unpack('>I', cursor.raw(4))[0]):
            sealed, plain, chunks = struct.unpack('>III', cursor.raw(12))
            need(0 < chunks <= PACK_CHUNKS_MAX and plain <= CHUNK_BYTES_MAX and sealed <= plain + 17, 'a block that cannot be')
            at = 0
            for _ in range(chunks):
                chunk, length = cursor.raw(32), struct.unpack('>I', cursor.raw(4))[0]
                self.places.setdefault((sort, chunk), []).append((pack, header, number, offset, sealed, plain, at, length))
                at += length
            need(at == plain, 'a table that does not add up')
            offset += sealed
        cursor.end()

    def chunk(self, sort, chunk, inline):
        if chunk.hex() in inline:
            one = inline[chunk.hex()]
            _, blocks = self.snapshot(one['in'])
            plain = blocks[one['sort']][one['offset'] : one['offset'] + one['length']]
        else:
            plain = self.packed(sort, chunk)
        identity = hashlib.sha256(self.chunk_key + struct.pack('>Q', len(plain)) + plain).digest()
        need(identity == chunk, 'a chunk that is not what its name says')
        return plain

    def packed(self, sort, chunk):
        if self.places is None:
            self.load_index()
        folder, kind = ('trees', 'tree-pack') if sort == 'tree' else ('packs', 'pack')
        for pack, header, number, offset, sealed, plain, at, length in self.places.get((sort, chunk), []):
            path = f'slices/{self.id}/{folder}/{pack}'
            if (pack, number) not in self.blocks:
                if len(self.blocks) > 64:
                    self.blocks.clear()
                parent = self.tree_key if sort == 'tree' else content_parent(self.private, header[72:], path)
                try:
                    with open(os.path.join(self.store.folder, path), 'rb') as file:
                        file.seek(offset)
                        data = file.read(sealed)
                except FileNotFoundError:
                    continue  # prune took it: another copy will do
                self.blocks[pack, number] = block_of(Seal(parent, kind, path, header).block(number, data), plain)
            return self.blocks[pack, number][at : at + length]
        raise Broken('a chunk is in no pack')

    # trees

    def entries(self, root, inline, tag='tree node', level=None, last=None, lower=None, count=None):
        """What a parent says of a node, its level, first and last key and how many entries lie beneath, must be so: else a few nodes could go on for ever."""
        cursor = Bytes(self.chunk('tree', root, inline))
        need(cursor.raw(8) == self.digest(tag)[:8], 'not a node of that kind')
        own = cursor.raw(1)[0]
        need(own <= LEVEL_MAX if level is None else own == level, 'a node on another level')
        key, items, key_bytes = lower, [], 0
        number = cursor.varint()
        need(number <= NODE_ITEMS_MAX and (own == 0 or number > 0), 'a node of too many items')
        before = b''
        for _ in range(number):
            shared = cursor.varint()
            rest = cursor.counted()
            key_bytes += shared + len(rest)
            need(shared <= len(before) and shared + len(rest) <= KEY_BYTES_MAX and key_bytes <= NODE_KEYS_BYTES_MAX, 'a key that is too long')
            before = before[:shared] + rest
            need(key is None or before > key, 'keys that do not ascend')
            key = before
            items.append((key, cursor.counted(), 1) if own == 0 else (key, cursor.raw(32), cursor.varint()))
        cursor.end()
        need(last is None or before == last, 'a node that does not end as its parent says')
        need(count is None or sum(entries for _, _, entries in items) == count, 'a node that does not hold what its parent says')
        for key, value, entries in items:
            if own == 0:
                yield key, value
            else:
                yield from self.entries(value, inline, tag, own - 1, key, lower, entries)
            lower = key

    def content(self, cursor, inline):
        """(size, extents): each (length, chunk id or None for a hole)."""
        size, form = cursor.varint(), cursor.raw(1)[0]

        def extent(one):
            length, kind = one.varint(), one.raw(1)[0]
            need(kind in (0, 1) and length > 0, 'an extent of no known kind')
            return length, one.raw(32) if kind == 0 else None

        if form <= 16:
            extents = [extent(cursor) for _ in range(form)]
        else:
            need(form == 255, 'a content of no known form')
            root = cursor.raw(32)
            extents = [extent(Bytes(value)) for _, value in self.entries(root, inline, 'list node')]
        need(sum(length for length, _ in extents) == size, 'extents that do not add up')
        return size, extents

    def parts(self, content, inline):
        for length, chunk in content[1]:
            plain = None if chunk is None else self.chunk('content', chunk, inline)
            need(plain is None or len(plain) == length, 'a chunk of another length')
            yield length, plain

    def text(self, content, inline):
        return b''.join(plain if plain is not None else bytes(length) for length, plain in self.parts(content, inline))

    def resource(self, value, inline):
        cursor = Bytes(value)
        flags = cursor.raw(1)[0]
        need(flags < 16, 'an entry of no known form')
        body = []
        for _ in range(2 if flags & 2 else 1):
            if flags & 1:
                digest, part = cursor.raw(32), self.text(self.content(cursor, inline), inline)
                need(self.digest('body', part) == digest, 'a body that is not what its entry says')
                body.append(document_of(part, 'a body'))
            else:
                body.append(document_of(cursor.counted(), 'a body'))
        content = self.content(cursor, inline) if flags & 4 else None
        secrets = {}
        if flags & 8:
            for _ in range(cursor.varint()):
                name = cursor.counted().decode('utf-8')
                secrets[name] = self.text(self.content(cursor, inline), inline).decode('utf-8')
        cursor.end()
        return {'state': body[0], 'kept': body[1] if len(body) > 1 else {}, 'secrets': secrets}, content

    def resources(self, name, component):
        document, _ = self.snapshot(name)
        record = document['components'][component]
        inline = {one['id']: {**one, 'in': one.get('in', name)} for one in record['chunks']}
        for key, value in self.entries(bytes.fromhex(record['root']), inline):
            yield key, *self.resource(value, inline), inline


# --- writing out --------------------------------------------------------------------------------------------------------------------------------------


def segments_of(key):
    unescape = lambda part: part.replace(b'\1\1', b'\0').replace(b'\1\2', b'\1')
    return [unescape(part) for part in key.split(b'\0')]


def written_bytes(written):
    """A path as it is written for people: %XX stands for a byte."""
    out, at = bytearray(), 0
    raw = written.encode('utf-8')
    while at < len(raw):
        if raw[at] == 0x25:
            out.append(int(raw[at + 1 : at + 3], 16))
            at += 3
        else:
            out.append(raw[at])
            at += 1
    return bytes(out)


def write_files(one, name, out):
    root = os.path.join(os.fsencode(out), b'files')
    later = []
    for key, resource, content, inline in one.resources(name, 'files'):
        state, names = resource['state'], segments_of(key)[1:]
        need(not any(part in (b'', b'.', b'..') or b'/' in part for part in names), 'a name that leads elsewhere')
        path = os.path.join(root, *names)
        if state['type'] == 'directory':
            os.makedirs(path, exist_ok=True)
        elif state['type'] == 'link':
            target = state['target'].encode('utf-8') if 'target' in state else base64.urlsafe_b64decode(state['targetBytes'] + '==')
            os.symlink(target, path)
        elif state['type'] == 'fifo':
            os.mkfifo(path)
        elif state['type'] == 'file' and 'hardLinkTo' in state:
            os.link(os.path.join(root, *[written_bytes(part) for part in state['hardLinkTo'].split('/')]), path)
            continue
        elif state['type'] == 'file':
            with open(path, 'xb') as file:
                for length, plain in one.parts(content, inline) if content else ():
                    file.seek(length, os.SEEK_CUR) if plain is None else file.write(plain)
                file.truncate(content[0] if content else 0)
        else:
            continue  # sockets and devices are recorded, not made
        later.append((path, state))
    # Times and modes of directories last, and from below: making what is in them changes them.
    for path, state in reversed(later):
        if os.geteuid() == 0:
            os.chown(path, state['uid'], state['gid'], follow_symlinks=False)
        for written, value in state.get('attributes', {}).items():
            os.setxattr(path, written_bytes(written), base64.urlsafe_b64decode(value + '=='), follow_symlinks=False)
        if state['type'] != 'link':
            os.chmod(path, int(state['mode'], 8))
        time = int(state['mtime'])
        os.utime(path, ns=(time, time), follow_symlinks=False)


def main():
    parser = argparse.ArgumentParser(description='Restores one slice from a folder store and a keyring.')
    parser.add_argument('--store', required=True)
    parser.add_argument('--keyring', required=True)
    parser.add_argument('--slice', required=True)
    parser.add_argument('--snapshot')
    parser.add_argument('--out')
    options = parser.parse_args()
    try:
        one = Slice(Store(options.store), Keyring(options.keyring), options.slice)
        ids = one.ids()
        if options.out is None:
            print('\n'.join(ids))
            return
        need(bool(ids), 'there is no snapshot')
        name = options.snapshot or ids[0]
        os.makedirs(options.out)
        for component in one.snapshot(name)[0]['components']:
            if component == 'files':
                write_files(one, name, options.out)
                continue
            found = {}
            for key, resource, _, _ in one.resources(name, component):
                found['/'.join(part.decode('utf-8') for part in segments_of(key))] = resource
            with open(os.path.join(options.out, f'{component}.json'), 'w', encoding='utf-8') as file:
                json.dump(found, file, indent=1, sort_keys=True)
    except Broken as error:
        sys.exit(f'damaged: {error}')
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, UnicodeError, FileNotFoundError) as error:
        # What a hostile writer put where a document says something else.
        sys.exit(f'damaged: {type(error).__name__}: {error}')


if __name__ == '__main__':
    main()
