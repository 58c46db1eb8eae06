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
  brokenPackages: ['broken-packages'],
  evidence: ['evidence'],
  validation: ['validation'],
  discrepancies: ['discrepancies'],
  knocks: ['knocks'],
  associations: ['associations'],
  quarantine: ['quarantine'],
  folders: ['folders'],
  remotes: ['remotes'],
  rules: ['rules'],
  pulls: ['pulls'],
  forwards: ['forwards'],
  users: ['users'],
  tokens: ['tokens'],
  sessions: ['sessions'],
  audit: ['audit'],
  doctor: ['doctor'],
  practice: ['practice'],
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

const status = { queryKey: keys.status, queryFn: () => api<SiteStatus>('/status', { quiet: true }) };

const SESSION_KEY = 'negatoscope.session';
/** Whether this browser had a session: without one, nobody needs to ask who is there. */
function hadSession(): boolean {
  try {
    return localStorage.getItem(SESSION_KEY) !== null;
  } catch {
    return true;
  }
}
/** To be called with every `Me` that arrives, and with null when there is none. */
export function rememberMe(me: Me | null): void {
  rememberCsrf(me);
  try {
    if (me) localStorage.setItem(SESSION_KEY, '');
    else localStorage.removeItem(SESSION_KEY);
  } catch {
    // Storage is switched off: it is asked each time.
  }
}

/** Who is signed in; null when nobody is. */
export function useMeQuery() {
  const client = useQueryClient();
  return useQuery({
    queryKey: keys.me,
    staleTime: 60_000,
    queryFn: async (): Promise<Me | null> => {
      // The public status shows the site to whoever has a session, even one that this browser does not remember.
      if (!hadSession() && !(await client.fetchQuery({ ...status, staleTime: 5000 })).site) return null;
      try {
        const me = await api<Me>('/me', { quiet: true });
        rememberMe(me);
        return me;
      } catch (error) {
        if (!(error instanceof ApiFailure && error.status === 401)) throw error;
        rememberMe(null);
        return null;
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

export const useStatus = () => useQuery({ ...status, refetchInterval: 30_000 });

export const useModels = (enabled = true) =>
  useQuery({ queryKey: keys.models, queryFn: () => api<ModelView[]>('/models'), enabled });
