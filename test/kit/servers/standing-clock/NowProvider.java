package org.elasticmq.util;

import java.time.OffsetDateTime;
import standing.Time;

/** Stands in for ElasticMQ's class of this name, which its queues ask for the time. */
public class NowProvider {
  public long nowMillis() {
    return Time.currentTimeMillis();
  }

  public OffsetDateTime now() {
    return Time.now();
  }
}
