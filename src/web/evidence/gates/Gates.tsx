/** How far a tool may go, and why: its protocol, what the gate says, what a person decides next. */
import { useQuery } from '@tanstack/react-query';
import { CircleAlert, CircleCheck, CircleDashed, OctagonPause } from 'lucide-react';
import { useState } from 'react';
import type {
  Gate,
  GateReason,
  GateView,
  ModelView,
  PlanForm,
  Protocol,
} from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { dateOnly, dateTime, number, percent } from '../../format.ts';
import { addCatalogue } from '../../i18n/index.ts';
import { keys } from '../../queries.ts';
import { bodyPart, failureText, useText } from '../../text.ts';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { BreachText } from './Breach.tsx';
import { DeviationDialog } from './DeviationDialog.tsx';
import en from './en.json' with { type: 'json' };
import fr from './fr.json' with { type: 'json' };
import './gates.css';
import { PlannerDialog } from './PlannerDialog.tsx';
import { ProtocolDialog } from './ProtocolDialog.tsx';
import { ProtocolText } from './ProtocolText.tsx';

addCatalogue({ fr, en });

const ICONS = { pass: CircleCheck, fail: CircleAlert, 'not-yet': CircleDashed, 'no-protocol': CircleDashed };

export function Gates({ model }: { model: ModelView }) {
  const { t } = useText();
  const { id, version } = model.manifest;
  const [dialog, setDialog] = useState<'plan' | 'protocol' | null>(null);
  const [proposed, setProposed] = useState<{ form: PlanForm; cases: number } | null>(null);
  const [deviating, setDeviating] = useState<Protocol | null>(null);
  const query = useQuery({
    queryKey: [...keys.evidence, id, 'gates', version, model.stage],
    queryFn: () => api<GateView>(`/gates/${id}`),
  });
  const view = query.data;
  return (
    <section className="box gates" aria-labelledby={`gates-${id}`}>
      <h3 id={`gates-${id}`}>
        {t('gate.title')} <span className="faint">{t('tools.version', { version })}</span>
      </h3>
      {query.isPending && <Skeleton height={90} />}
      {query.isError && <p role="alert">{failureText(t, query.error)}</p>}
      {model.stage === 'suspended' && <Suspended model={model} />}
      {view?.gate && <GateBox gate={view.gate} />}
      {view && view.safety.length > 0 && <Safety safety={view.safety} />}
      {view && (
        <div className="gate-acts">
          <button type="button" className="btn" onClick={() => setDialog('plan')}>
            {t('gate.plan')}
          </button>
          {view.mayRegister && (
            <button type="button" className="btn" onClick={() => setDialog('protocol')}>
              {t('protocol.register')}
            </button>
          )}
        </div>
      )}
      {view?.protocols.map((protocol) => (
        <ProtocolText
          key={protocol.id}
          protocol={protocol}
          onDeviate={view.mayRegister && !protocol.replaced ? () => setDeviating(protocol) : undefined}
        />
      ))}
      {view && dialog === 'plan' && (
        <PlannerDialog
          practice={view.practice}
          onUse={
            view.mayRegister
              ? (form, cases) => {
                  setProposed({ form, cases });
                  setDialog('protocol');
                }
              : undefined
          }
          onClose={() => setDialog(null)}
        />
      )}
      {view && dialog === 'protocol' && (
        <ProtocolDialog
          model={model}
          proposed={proposed}
          onClose={() => {
            setDialog(null);
            setProposed(null);
          }}
        />
      )}
      {deviating && <DeviationDialog model={model} protocol={deviating} onClose={() => setDeviating(null)} />}
    </section>
  );
}

function Suspended({ model }: { model: ModelView }) {
  const { t, language } = useText();
  const act = model.acts.find(({ to }) => to === 'suspended');
  return (
    <div className="callout stop" role="status">
      <OctagonPause size={18} aria-hidden="true" />
      <div className="grow">
        <b>{t('gate.suspended')}</b>{' '}
        {act && (
          <span>
            {act.breach ? (
              <BreachText breach={act.breach} />
            ) : (
              <>
                <bdi>{act.personName}</bdi>, {t('gate.because', { reason: act.reason })}
              </>
            )}
            {' · '}
            {dateTime(act.at, language)}
          </span>
        )}
        <div className="muted">{t('gate.suspendedNext')}</div>
      </div>
    </div>
  );
}

function GateBox({ gate }: { gate: Gate }) {
  const { t } = useText();
  const Icon = ICONS[gate.verdict];
  return (
    <div className={`gate-box ${gate.verdict}`}>
      <p className="gate-verdict">
        <Icon size={18} aria-hidden="true" />
        <b>{t(`gate.verdict.${gate.verdict}`)}</b>
        <span className="muted">{t(`gate.next.${gate.stage}`)}</span>
      </p>
      {gate.reasons.length > 0 && (
        <ul>
          {gate.reasons.map((reason, i) => (
            <Reason key={i} reason={reason} />
          ))}
        </ul>
      )}
      <p className="small muted">
        {gate.verdict === 'no-protocol' ? t('gate.noProtocolText') : t('gate.decides')}
        {gate.deviations > 0 && ` ${t('gate.deviations', { count: gate.deviations })}`}
      </p>
    </div>
  );
}

function Reason({ reason }: { reason: GateReason }) {
  const { t, language } = useText();
  const Icon = ICONS[reason.verdict];
  const rate = (value: number | null | undefined) =>
    value === null || value === undefined ? '–' : percent(value, language, 1);
  const code =
    reason.code === 'cases' || reason.code === 'time' || reason.code === 'source'
      ? reason.code
      : reason.code === 'evidence' && reason.futility
        ? 'evidence.futile'
        : `${reason.code}.${reason.verdict}`;
  const text = t(`gate.reason.${code}`, {
    measure: reason.measure ? t(`measure.${reason.measure}`) : '',
    group: reason.by === 'bodyPart' ? bodyPart(t, reason.group ?? '') : (reason.group ?? ''),
    n: number(reason.n ?? 0, language),
    wanted: number(reason.wanted ?? 0, language),
    value: rate(reason.value),
    low: rate(reason.low),
    threshold: rate(reason.threshold),
    evidence: number(Math.min(reason.odds ?? 1, 9999), language, 1),
    needed: number(reason.needed ?? 0, language),
  });
  const progress = reason.code === 'cases' || (reason.code === 'subgroup' && reason.verdict === 'not-yet');
  return (
    <li className={reason.verdict}>
      <Icon size={16} aria-hidden="true" />
      <span className="visually-hidden">{t(`gate.mark.${reason.verdict}`)}</span>
      <span className="grow">
        {text.charAt(0).toLocaleUpperCase(language) + text.slice(1)}
        {progress && (
          <progress
            max={reason.wanted}
            value={Math.min(reason.n ?? 0, reason.wanted ?? 0)}
            aria-label={text}
          />
        )}
      </span>
    </li>
  );
}

function Safety({ safety }: { safety: GateView['safety'] }) {
  const { t, language } = useText();
  return (
    <div className="small">
      <b>{t('gate.safety')}</b>
      <ul className="gate-safety">
        {safety.map((each, i) => (
          <li key={i}>
            {t(`gate.safety.${each.safety.rule}`, {
              measure: t(`measure.${each.safety.measure}`),
              limit: percent(each.safety.limit, language, 1),
              cases: number(each.cases, language),
              failures: number(each.failures, language),
              value: number(each.value, language, 1),
              needed: number(each.needed, language, 1),
              since: dateOnly(each.from, language),
            })}
          </li>
        ))}
      </ul>
    </div>
  );
}
