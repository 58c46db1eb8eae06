import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';

test('writes counters, cumulative histograms and gauges as Prometheus reads them', () => {
  const metrics = createMetrics();
  metrics.count('negatoscope_ingest_total', { door: 'dimse', outcome: 'stored' });
  metrics.count('negatoscope_ingest_total', { door: 'dimse', outcome: 'stored' }, 2);
  metrics.time('negatoscope_http_seconds', 0.003);
  metrics.time('negatoscope_http_seconds', 0.2);
  metrics.time('negatoscope_http_seconds', 100);
  const text = metrics.text([
    { name: 'negatoscope_up', help: 'It runs.', values: [{ labels: { a: 'say "x"\\\n' }, value: 1 }] },
  ]);
  expect(text).toContain('# TYPE negatoscope_ingest_total counter\n');
  expect(text).toContain('negatoscope_ingest_total{door="dimse",outcome="stored"} 3\n');
  expect(text).toContain('negatoscope_http_seconds_bucket{le="0.005"} 1\n');
  expect(text).toContain('negatoscope_http_seconds_bucket{le="0.25"} 2\n');
  expect(text).toContain('negatoscope_http_seconds_bucket{le="30"} 2\n');
  expect(text).toContain('negatoscope_http_seconds_bucket{le="+Inf"} 3\n');
  expect(text).toContain('negatoscope_http_seconds_count 3\n');
  expect(text).toContain('negatoscope_up{a="say \\"x\\"\\\\\\n"} 1\n');
  expect(text.split('\n').every((line) => line === '' || /^(#|[a-z_]+(\{.*\})? [\d.e+-]+$)/.test(line))).toBe(
    true,
  );
});
