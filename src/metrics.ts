/**
 * Counters and histograms of this process as Prometheus reads them (text exposition format 0.0.4). An encoder of a page instead of
 * a library: there are three kinds of number here, and none of them may ever name a patient.
 */
export type Labels = Readonly<Record<string, string>>;

export interface Metrics {
  /** Adds to a counter. Labels come from small fixed sets, never from what was received. */
  count(name: string, labels?: Labels, by?: number): void;
  /** Seconds into a histogram. */
  time(name: string, seconds: number, labels?: Labels): void;
  /** Everything counted, and the gauges given, as text. */
  text(gauges: readonly Gauge[]): string;
}
export interface Gauge {
  name: string;
  help: string;
  values: readonly { labels?: Labels; value: number }[];
}

/** Upper bounds, seconds: from a cached answer to a large study. */
const BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export const HELP = {
  negatoscope_ingest_total: 'Instances that came in, by door and outcome.',
  negatoscope_ingest_seconds: 'From the first byte of an instance to its outcome on stable storage.',
  negatoscope_associations_total: 'DICOM associations asked for, by whether the AE title was let in.',
  negatoscope_http_requests_total: 'HTTP answers, by kind of route, method and class of status.',
  negatoscope_http_seconds: 'HTTP answers, from the request to their last byte.',
  negatoscope_events_total: 'Events of the log since the start, by kind.',
} as const;

const escape = (text: string): string => text.replace(/["\\\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
const labelText = (labels: Labels): string => {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escape(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
};

interface Histogram {
  labels: Labels;
  counts: number[];
  sum: number;
  count: number;
}

export function createMetrics(): Metrics {
  const counters = new Map<string, Map<string, number>>();
  const histograms = new Map<string, Map<string, Histogram>>();
  const within = <V>(all: Map<string, Map<string, V>>, name: string): Map<string, V> => {
    let found = all.get(name);
    if (!found) all.set(name, (found = new Map()));
    return found;
  };
  const head = (name: string, help: string, type: string): string[] => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
  ];
  const helpOf = (name: string): string => (HELP as Record<string, string>)[name] ?? name;

  return {
    count(name, labels = {}, by = 1) {
      const values = within(counters, name);
      const key = labelText(labels);
      values.set(key, (values.get(key) ?? 0) + by);
    },
    time(name, seconds, labels = {}) {
      const values = within(histograms, name);
      const key = labelText(labels);
      let found = values.get(key);
      if (!found) values.set(key, (found = { labels, counts: BUCKETS.map(() => 0), sum: 0, count: 0 }));
      const bucket = BUCKETS.findIndex((bound) => seconds <= bound);
      if (bucket >= 0) found.counts[bucket]! += 1;
      found.sum += seconds;
      found.count += 1;
    },
    text(gauges) {
      const lines: string[] = [];
      for (const [name, values] of counters) {
        lines.push(...head(name, helpOf(name), 'counter'));
        for (const [labels, value] of values) lines.push(`${name}${labels} ${value}`);
      }
      for (const [name, values] of histograms) {
        lines.push(...head(name, helpOf(name), 'histogram'));
        for (const [key, { labels, counts, sum, count }] of values) {
          let below = 0;
          BUCKETS.forEach((bound, i) => {
            below += counts[i]!;
            lines.push(`${name}_bucket${labelText({ ...labels, le: String(bound) })} ${below}`);
          });
          lines.push(`${name}_bucket${labelText({ ...labels, le: '+Inf' })} ${count}`);
          lines.push(`${name}_sum${key} ${sum}`, `${name}_count${key} ${count}`);
        }
      }
      for (const { name, help, values } of gauges) {
        lines.push(...head(name, help, 'gauge'));
        for (const { labels = {}, value } of values) lines.push(`${name}${labelText(labels)} ${value}`);
      }
      return `${lines.join('\n')}\n`;
    },
  };
}
