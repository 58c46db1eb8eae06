/** The report as the reader writes it. Accepted findings enter by the server's hand; everything else is the reader's. */
import { Menu } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { ChevronDown } from 'lucide-react';
import { useEffect, useRef } from 'react';
import type { Language, ModelView, ReportFields, StudyView, Template } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { notify } from '../shell/notices.tsx';
import { useText } from '../text.ts';
import { Check, Segmented } from '../ui/fields.tsx';
import { answerLabels } from './Findings.tsx';
import { type Contradiction, contradictionsOf, TEXTS, withTemplate } from './templates.ts';
import type { ReadingState } from './useReading.ts';

/** A text area that is as tall as its text. */
function Area(props: {
  name: string;
  label: string;
  value: string;
  onChange: (text: string) => void;
  placeholder?: string;
  rows?: number;
  readOnly?: boolean;
}) {
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const field = area.current!;
    field.style.height = 'auto';
    field.style.height = `${field.scrollHeight + 2}px`;
  }, [props.value]);
  const id = `report-${props.name}`;
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <textarea
        id={id}
        ref={area}
        className="input"
        rows={props.rows ?? 1}
        value={props.value}
        placeholder={props.placeholder}
        readOnly={props.readOnly}
        onChange={(event) => props.onChange(event.target.value)}
      />
    </div>
  );
}

export function useTemplates(language: Language | undefined, enabled: boolean): readonly Template[] {
  const { data } = useQuery({
    queryKey: ['templates', language],
    queryFn: () => api<Template[]>(`/templates?language=${language}`),
    enabled: enabled && language !== undefined,
    staleTime: Infinity,
  });
  return data ?? NONE;
}
const NONE: readonly Template[] = [];

/** One sentence for each place where the report speaks against itself. */
export function Contradictions(props: {
  found: readonly Contradiction[];
  models: readonly ModelView[];
  className?: string;
}) {
  const { t, language } = useText();
  return props.found.map((found) => {
    if (found.code === 'normal-text')
      return (
        <p key={found.code} className={props.className}>
          {t('report.contradiction.normal')}
        </p>
      );
    const question = props.models.find(({ manifest }) => manifest.id === found.modelId)?.manifest.question;
    return (
      <p key={found.modelId} className={props.className}>
        {t('sign.contradiction', { answer: question?.answers[found.answer][language] ?? found.answer })}
      </p>
    );
  });
}

export function ReportForm(props: {
  view: StudyView;
  models: readonly ModelView[];
  draft: ReadingState['draft'];
  editable: boolean;
  templatesOpen: boolean;
  onTemplates: (open: boolean) => void;
}) {
  const { t, language, say } = useText();
  const { view, draft, editable } = props;
  const { fields } = draft;
  const templates = useTemplates(fields?.language, editable);
  // Chosen by keys alone: the first one is where the arrows start.
  useEffect(() => {
    if (props.templatesOpen)
      requestAnimationFrame(() =>
        document.querySelector<HTMLElement>('.templates [role=menuitem]')?.focus({ preventScroll: true }),
      );
  }, [props.templatesOpen]);
  if (!fields) return null;
  const set = (next: Partial<ReportFields>) => draft.change(next);
  const apply = (template: Template) => {
    const next = withTemplate(fields, template, templates);
    const names = Object.keys(next) as (keyof typeof next)[];
    if (names.length === 0) return;
    const before = Object.fromEntries(names.map((name) => [name, fields[name]]));
    set(next);
    notify({
      kind: 'info',
      text: t('report.templateDone', { title: template.title }),
      action: { label: t('action.undo'), run: () => set(before) },
    });
  };
  const contradictions = contradictionsOf(fields, view.findings, props.models, templates);
  const own = (template: Template) => template.bodyParts.some((part) => view.study.bodyParts.includes(part));
  const list = [...templates].sort((a, b) => Number(own(b)) - Number(own(a)));
  const asked = view.ai.filter(({ status, hidden }) => {
    const model = props.models.find(({ manifest }) => manifest.id === status.modelId);
    return model?.manifest.question && status.state !== 'not-run' && hidden !== 'opinion-first';
  });
  return (
    <section className="sec report" aria-label={t('report.title')}>
      <h2>
        {t('report.title')}
        {editable && (
          <span className="saved" aria-live="polite">
            {draft.status === 'saved' && draft.savedAt === null ? '' : t(`report.${draft.status}`)}
          </span>
        )}
      </h2>
      {editable && (
        <div className="rowline">
          <Menu opened={props.templatesOpen} onChange={props.onTemplates} position="bottom-start" width={300}>
            <Menu.Target>
              <button type="button" className="btn">
                {t('report.template')} <ChevronDown size={14} aria-hidden />
              </button>
            </Menu.Target>
            <Menu.Dropdown className="templates" style={{ maxHeight: '45vh', overflowY: 'auto' }}>
              {list.map((template) => (
                <Menu.Item key={template.id} onClick={() => apply(template)}>
                  {template.title}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
          <span className="grow" />
          <Segmented
            label={t('report.language')}
            value={fields.language}
            onChange={(next) => set({ language: next })}
            options={[
              { value: 'fr', label: 'FR' },
              { value: 'en', label: 'EN' },
            ]}
          />
        </div>
      )}
      {TEXTS.map((name) => (
        <Area
          key={name}
          name={name}
          label={t(`report.${name}`)}
          value={fields[name]}
          rows={name === 'findings' ? 4 : name === 'conclusion' ? 2 : 1}
          readOnly={!editable}
          placeholder={name === 'findings' ? t('report.findingsHint') : undefined}
          onChange={(text) => set({ [name]: text })}
        />
      ))}
      {editable && (
        <div role="status">
          <Contradictions found={contradictions} models={props.models} className="small todo" />
        </div>
      )}
      {asked.map(({ status }) => {
        const model = props.models.find(({ manifest }) => manifest.id === status.modelId)!;
        const { question } = model.manifest;
        return (
          <div className="field" key={status.modelId}>
            <span className="label">{t('report.question', { question: say(question!.text) })}</span>
            <Segmented
              label={say(question!.text)}
              value={fields.answers[question!.id] ?? fields.answers[status.modelId] ?? null}
              onChange={(answer) => set({ answers: { ...fields.answers, [status.modelId]: answer } })}
              options={answerLabels(model, language, (answer) => t(`answer.${answer}`))}
            />
          </div>
        );
      })}
      {fields.dose && (
        <div className="field">
          <span className="label">{t('report.dose')}</span>
          <p className="num">{fields.dose}</p>
        </div>
      )}
      {view.ai.some(({ status }) => status.state === 'analysed') && (
        <Check
          label={t('report.informed')}
          checked={fields.patientInformedOfAi}
          disabled={!editable}
          onChange={(event) => set({ patientInformedOfAi: event.target.checked })}
        />
      )}
    </section>
  );
}
