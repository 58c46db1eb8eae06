/** Query keys and the queries that several pages share. */
import { QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import type { Me, ModelView, Role, SiteStatus } from '../doors/api/contract.ts';
import { api, ApiFailure, rememberCsrf } from './api.ts';

export const keys = {
  me: ['me'],
  status: ['status'],
  worklist: ['worklist'],
  study: (uid: string) => ['study', uid],
  models: ['models'],
  evidence: ['evidence'],
  discrepancies: ['discrepancies'],
  knocks: ['knocks'],
  quarantine: ['quarantine'],
  users: ['users'],
  tokens: ['tokens'],
  sessions: ['sessions'],
  audit: ['audit'],
  doctor: ['doctor'],
} as const;

export const makeQueryClient = (): QueryClient =>
  new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        // What the server said clearly is not asked again; a server that does not answer is.
        retry: (count, error) =>
          count < 2 && error instanceof ApiFailure && [0, 502, 503].includes(error.status),
        refetchOnWindowFocus: true,
      },
    },
  });

/** Who is signed in; null when nobody is. */
export function useMeQuery() {
  return useQuery({
    queryKey: keys.me,
    staleTime: 60_000,
    queryFn: async (): Promise<Me | null> => {
      try {
        const me = await api<Me>('/me', { quiet: true });
        rememberCsrf(me);
        return me;
      } catch (error) {
        if (error instanceof ApiFailure && error.status === 401) return null;
        // Locked: the page shows the lock; who it is was remembered by the last answer, if any.
        throw error;
      }
    },
  });
}

/** For pages behind the sign-in, where there is always someone. */
export function useMe(): Me {
  const me = useQueryClient().getQueryData<Me | null>(keys.me);
  const query = useMeQuery();
  const present = query.data ?? me;
  if (!present) throw new Error('useMe outside of a session');
  return present;
}
export const useRoles = (): ReadonlySet<Role> => new Set(useMe().person.roles);

export const useStatus = () =>
  useQuery({
    queryKey: keys.status,
    queryFn: () => api<SiteStatus>('/status', { quiet: true }),
    refetchInterval: 30_000,
  });

export const useModels = (enabled = true) =>
  useQuery({ queryKey: keys.models, queryFn: () => api<ModelView[]>('/models'), enabled });
