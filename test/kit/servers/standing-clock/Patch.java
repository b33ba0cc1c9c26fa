package standing;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/**
 * Writes the two other classes of ElasticMQ that know the time, asking {@link Time} instead of the system: names of classes in their constant pools are exchanged (Java Virtual
 * Machine Specification, 4.4), their code stays as it is. Argument: the folder to write to.
 */
public final class Patch {
  private Patch() {}

  public static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    // When a message was sent and becomes visible.
    exchange(folder, "org/elasticmq/actor/queue/InternalMessage$.class", Set.of("java/lang/System", "java/time/OffsetDateTime"));
    // How many messages are visible.
    exchange(folder, "org/elasticmq/rest/sqs/QueueAttributesOps.class", Set.of("java/lang/System"));
  }

  private static void exchange(Path folder, String name, Set<String> classes) throws IOException {
    byte[] original;
    try (InputStream stream = ClassLoader.getSystemResourceAsStream(name)) {
      if (stream == null) throw new IOException("no class " + name);
      original = stream.readAllBytes();
    }
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(original));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeLong(in.readLong());
    int count = in.readUnsignedShort();
    out.writeShort(count);
    int exchanged = 0;
    for (int index = 1; index < count; index++) {
      int tag = in.readUnsignedByte();
      out.writeByte(tag);
      switch (tag) {
        case 1: // Utf8
          String text = in.readUTF();
          if (classes.contains(text)) exchanged++;
          out.writeUTF(classes.contains(text) ? "standing/Time" : text);
          break;
        case 7: case 8: case 16: case 19: case 20:
          out.write(in.readNBytes(2));
          break;
        case 15:
          out.write(in.readNBytes(3));
          break;
        case 3: case 4: case 9: case 10: case 11: case 12: case 17: case 18:
          out.write(in.readNBytes(4));
          break;
        case 5: case 6: // these two take two places
          out.write(in.readNBytes(8));
          index++;
          break;
        default:
          throw new IOException("unknown constant " + tag + " in " + name);
      }
    }
    if (exchanged != classes.size()) throw new IOException(name + " asks the time otherwise than it did");
    out.write(in.readAllBytes());
    Path target = folder.resolve(name);
    Files.createDirectories(target.getParent());
    Files.write(target, bytes.toByteArray());
  }
}
