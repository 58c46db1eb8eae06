/** Who is there decides what is shown: set-up, sign-in, the lock, or the pages. */
import { useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useEffect } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import type { Me } from '../doors/api/contract.ts';
import { ApiFailure, onGate } from './api.ts';
import { setLanguage } from './i18n/index.ts';
import { useLive } from './live.ts';
import { keys, rememberMe, useMeQuery, useStatus } from './queries.ts';
import { ErrorBoundary, NotFound, Unreachable } from './shell/Failures.tsx';
import { KeysHelp } from './shell/KeysHelp.tsx';
import { LockScreen, useIdleLock } from './shell/Lock.tsx';
import { Notices } from './shell/notices.tsx';
import { PageSkeleton } from './ui/Skeleton.tsx';
import { exchanges, seesEvidence, Shell } from './shell/Shell.tsx';
import { useTheme } from './theme.tsx';
import { UploadLayer } from './upload/UploadLayer.tsx';

const Setup = lazy(() => import('./entry/Setup.tsx'));
const Login = lazy(() => import('./entry/Login.tsx'));
const Worklist = lazy(() => import('./worklist/Worklist.tsx'));
const ReadingPage = lazy(() => import('./reading/index.tsx'));
const LabelPage = lazy(() => import('./label/LabelPage.tsx'));
const Evidence = lazy(() => import('./evidence/Evidence.tsx'));
const Exchange = lazy(() => import('./remote/Exchange.tsx'));
const Settings = lazy(() => import('./settings/Settings.tsx'));

export function App() {
  const client = useQueryClient();
  const status = useStatus();
  const me = useMeQuery();
  useEffect(() => {
    onGate((what) => {
      if (what === 'signed-out') {
        rememberMe(null);
        client.setQueryData(keys.me, null);
      } else
        client.setQueryData<Me | null>(keys.me, (present) =>
          present ? { ...present, locked: true } : present,
        );
    });
  }, [client]);

  // The status shows the site to an open session alone: when it no longer does, the session was locked or ended elsewhere.
  const shut = status.data !== undefined && !status.data.site && status.dataUpdatedAt > me.dataUpdatedAt;
  useEffect(() => {
    if (shut && me.data && !me.data.locked) void client.invalidateQueries({ queryKey: keys.me });
  }, [shut, me.data, client]);

  if (status.data?.setupNeeded) {
    return (
      <Suspense fallback={<PageSkeleton />}>
        <Setup />
      </Suspense>
    );
  }
  const locked = me.error instanceof ApiFailure && me.error.status === 423;
  if (me.data === undefined && locked) return <LockScreen name={null} />;
  if (me.data === undefined) return me.isError || status.isError ? <Unreachable /> : <PageSkeleton />;
  if (me.data === null) {
    return (
      <Suspense fallback={<PageSkeleton />}>
        <Login />
        <Notices />
      </Suspense>
    );
  }
  return <SignedIn me={me.data} />;
}

function SignedIn({ me }: { me: Me }) {
  const { setTheme } = useTheme();
  const roles = new Set<string>(me.person.roles);
  // Dialogs and menus stand outside of the app's element: the lock hides them by this mark.
  useEffect(() => {
    document.documentElement.toggleAttribute('data-screen-locked', me.locked);
    return () => document.documentElement.removeAttribute('data-screen-locked');
  }, [me.locked]);
  useLive(!me.locked);
  useIdleLock(me);
  useEffect(() => setLanguage(me.person.language), [me.person.language]);
  useEffect(() => setTheme(me.theme), [me.theme, setTheme]);
  return (
    <>
      {/* Under the lock everything stays as it was, but cannot be seen, read out or reached. */}
      <div className="app" inert={me.locked} data-hidden={me.locked || undefined}>
        <ErrorBoundary>
          <Suspense fallback={<PageSkeleton />}>
            <Switch>
              <Route path="/read/:studyUid">
                {({ studyUid }) => <ReadingPage key={studyUid} studyUid={studyUid} />}
              </Route>
              {roles.has('reader') && (
                <Route path="/label/:queueId">
                  {({ queueId }) => <LabelPage key={queueId} queueId={queueId} />}
                </Route>
              )}
              <Route path="/setup">
                <Redirect to="/" replace />
              </Route>
              <Route path="/login">
                <Redirect to="/" replace />
              </Route>
              <Route>
                <Shell>
                  <Suspense fallback={<PageSkeleton />}>
                    <Switch>
                      <Route path="/" component={Worklist} />
                      {seesEvidence(roles) && <Route path="/evidence" component={Evidence} />}
                      {exchanges(roles) && (
                        <Route path="/exchange/:tab?">{({ tab }) => <Exchange tab={tab} />}</Route>
                      )}
                      <Route path="/settings/:section?">
                        {({ section }) => <Settings section={section} />}
                      </Route>
                      <Route component={NotFound} />
                    </Switch>
                  </Suspense>
                </Shell>
              </Route>
            </Switch>
          </Suspense>
        </ErrorBoundary>
        <UploadLayer />
      </div>
      <KeysHelp />
      <Notices />
      {me.locked && <LockScreen name={me.person.name} />}
    </>
  );
}
