import { Component, type ReactNode } from "react";
import { t } from "../app/i18n";
import { Button } from "./Button";
import { Icon } from "./Icon";

interface Props {
  /** When this changes, it is tried once more: another room, another page. */
  readonly place: string;
  /** What to do then instead of saying so in its place. */
  readonly onBroken?: () => void;
  readonly children: ReactNode;
}

/** Keeps what goes wrong in a part of the client from taking the rest with it. */
export class ErrorBoundary extends Component<Props, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override componentDidCatch() {
    this.props.onBroken?.();
  }

  override componentDidUpdate({ place }: Props) {
    if (this.state.broken && place !== this.props.place) this.setState({ broken: false });
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    if (this.props.onBroken) return null;
    return (
      <div className="empty" style={{ flex: 1 }} role="alert">
        <Icon name="warning" size={32} />
        <h2>{t("This part of the page broke")}</h2>
        <p>{t("What you wrote is kept. Loading the page anew usually mends it.")}</p>
        <Button kind="primary" onPress={() => location.reload()}>
          {t("Load the page anew")}
        </Button>
      </div>
    );
  }
}
