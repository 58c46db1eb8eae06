/** The heat map of one image as a picture and the area of the image that it covers. */
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { Box } from '../../doors/api/contract.ts';
import { failureOf } from '../api.ts';

export function useHeat(
  runId: string | null,
  sopInstanceUid: string | undefined,
  /** Of the finding that is looked at, for tools with a map for each label. */
  label?: string,
): { url: string; box: Box } | null {
  const query = useQuery({
    queryKey: ['heat', runId, sopInstanceUid, label],
    enabled: runId !== null && sopInstanceUid !== undefined,
    staleTime: Infinity,
    queryFn: async () => {
      const query = label === undefined ? '' : `?label=${encodeURIComponent(label)}`;
      const response = await fetch(
        `/api/runs/${encodeURIComponent(runId!)}/heatmap/${sopInstanceUid!}${query}`,
      );
      if (!response.ok) throw await failureOf(response);
      const [x, y, width, height] = (response.headers.get('x-box') ?? '').split(',').map(Number);
      return { blob: await response.blob(), box: { x: x!, y: y!, width: width!, height: height! } };
    },
  });
  const blob = query.data?.blob;
  const url = blob && runId ? urlOf(blob) : null;
  useEffect(() => () => forget(), []);
  return url && query.data && runId ? { url, box: query.data.box } : null;
}

const urls = new Map<Blob, string>();
function urlOf(blob: Blob): string {
  let url = urls.get(blob);
  if (!url) urls.set(blob, (url = URL.createObjectURL(blob)));
  return url;
}
function forget(): void {
  for (const url of urls.values()) URL.revokeObjectURL(url);
  urls.clear();
}
