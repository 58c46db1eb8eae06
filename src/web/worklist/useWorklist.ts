/** The list from the server, page by page, kept while the filters change. */
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useSearchParams } from 'wouter';
import type { WorklistName, WorklistPage, WorklistRow } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { keys } from '../queries.ts';

export const LISTS: readonly WorklistName[] = [
  'to-read',
  'mine',
  'waiting-ai',
  'signed-today',
  'reopened',
  'all',
];
const PAGE = 100;

export interface WorklistFilter {
  list: WorklistName;
  modality: string;
  search: string;
  /** The discrepancy list instead of exams. */
  late: boolean;
}
/** The filter lives in the address: reload, back and a bookmark keep it. */
export function useFilter(): [WorklistFilter, (change: Partial<WorklistFilter>) => void] {
  const [params, setParams] = useSearchParams();
  const asked = params.get('list') as WorklistName | null;
  const filter: WorklistFilter = {
    list: asked && LISTS.includes(asked) ? asked : 'to-read',
    modality: params.get('modality') ?? '',
    search: params.get('search') ?? '',
    late: params.has('late'),
  };
  const change = (part: Partial<WorklistFilter>) => {
    const next = { ...filter, late: false, ...part };
    const written = new URLSearchParams();
    if (next.list !== 'to-read') written.set('list', next.list);
    if (next.modality) written.set('modality', next.modality);
    if (next.search) written.set('search', next.search);
    if (next.late) written.set('late', '');
    setParams(written);
  };
  return [filter, change];
}

export interface WorklistData {
  rows: readonly WorklistRow[];
  counts: WorklistPage['counts'] | undefined;
  isPending: boolean;
  error: unknown;
  more: (() => void) | null;
}
export function useWorklist(filter: WorklistFilter): WorklistData {
  // A search looks everywhere: who looks for a patient does not know in which list they are.
  const list = filter.search ? 'all' : filter.list;
  const query = useInfiniteQuery({
    queryKey: [...keys.worklist, list, filter.modality, filter.search],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => {
      const asked = new URLSearchParams({ list, limit: String(PAGE) });
      if (filter.modality) asked.set('modality', filter.modality);
      if (filter.search) asked.set('search', filter.search);
      if (pageParam) asked.set('cursor', pageParam);
      return api<WorklistPage>(`/worklist?${asked}`, { signal });
    },
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
    staleTime: 2000,
    refetchInterval: 60_000, // should the event stream be cut off somewhere between
  });
  const pages = query.data?.pages ?? [];
  return {
    rows: pages.flatMap((page) => page.rows),
    counts: pages[0]?.counts,
    isPending: query.isPending,
    error: query.error,
    more: query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : null,
  };
}
