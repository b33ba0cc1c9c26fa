package standing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;

/** A clock that stands still where a file says (milliseconds since 1970), until the file says otherwise. Its methods are named as those whose place they take. */
public final class Time {
  private Time() {}

  public static long currentTimeMillis() {
    try {
      return Long.parseLong(Files.readString(Path.of(System.getProperty("standing.clock"))));
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  public static OffsetDateTime now() {
    return Instant.ofEpochMilli(currentTimeMillis()).atOffset(ZoneOffset.UTC);
  }
}
