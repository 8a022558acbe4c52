"""The lifecycle node: what exists when, and what the services and timers call."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.lifecycle.publisher import LifecyclePublisher
from std_srvs.srv import SetBool, Trigger

from lsd_ros.errors import LsdError, RosError
from lsd_ros.inference.beside import Beside
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.ros import qos
from lsd_ros.ros.bonding import Bonding
from lsd_ros.ros.calibration import Calibration
from lsd_ros.ros.diagnostics import untrained_warning
from lsd_ros.ros.inputs import Inputs, Received, image_topic
from lsd_ros.ros.log_forwarding import RosLogHandler
from lsd_ros.ros.mailbox import Mailbox
from lsd_ros.ros.mount_lookup import MountLookup
from lsd_ros.ros.odometry_input import OdometryInput
from lsd_ros.ros.outputs import Outputs
from lsd_ros.ros.parameters import Parameters, Settings
from lsd_ros.ros.pipeline import Pipeline
from lsd_ros.ros.receiver import Receiver
from lsd_ros.ros.reporter import Reporter, Sources
from lsd_ros.ros.worker import Worker

if TYPE_CHECKING:
    from lsd_ros.inference.engine import Engine

NOT_CONFIGURED = 'the node is not configured: configure and activate it first'
DIAGNOSTICS_QUEUE = 10
LOOK_FOR_SIGNALS_S = 0.1
WATCH_PERIOD_S = 0.05  # the shortest safety.image_timeout_s

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Configured:
    """What exists from configuring to cleaning up; ``resources`` gives it back."""

    settings: Settings
    mounting: MountLookup
    calibration: Calibration
    pipeline: Pipeline
    outputs: Outputs
    engine: Engine
    diagnostics: LifecyclePublisher[DiagnosticArray]
    resources: ExitStack


class DepthNode(LifecycleNode):
    """Images of one camera in; depth, points and odometry out."""

    def __init__(
        self,
        told_to_stop: threading.Event | None = None,
        *,
        load_engine: Callable[[EngineSettings], Engine] | None = None,
        **of_node: Any,
    ) -> None:
        """
        Declare parameters and services; everything heavy waits for ``on_configure``.

        :param told_to_stop: set where the process is to end, which does not wait for networks
        :param load_engine: makes the engine; None: as :meth:`Engine.load` does
        :param of_node: what else rclpy is to know of the node, its namespace for example
        """
        super().__init__('depth_node', **of_node)
        self._told_to_stop = told_to_stop or threading.Event()
        self._load_engine = load_engine or _load_engine
        self._process = ExitStack()
        self._process.enter_context(RosLogHandler(self.get_logger()))
        self.parameters = Parameters(self)
        self._configured: Configured | None = None
        self._active = ExitStack()
        self.create_service(Trigger, '~/reset_odometry', self._on_reset_odometry)
        self.create_service(SetBool, '~/set_enabled', self._on_set_enabled)

    def start(self) -> None:
        """Configure and activate, as a launch file would."""
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the weights; whatever fails is said in one sentence, and may be mended."""
        try:
            with ExitStack() as resources:
                self._configured = self._configure(resources)
        except LsdError as error:
            log.error(str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception:  # rclpy would swallow it
            log.exception('the node could not be configured')
            return TransitionCallbackReturn.FAILURE
        self.parameters.locked = True
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listen and work."""
        if self._configured is None:
            return TransitionCallbackReturn.FAILURE
        result = super().on_activate(state)
        try:
            with ExitStack() as active:
                self._activate(self._configured, active)
                self._active = active.pop_all()
        except LsdError as error:
            log.error(str(error))
            super().on_deactivate(state)
            return TransitionCallbackReturn.FAILURE
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Finish the image in hand, then be silent."""
        self._active.close()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give everything back."""
        result = super().on_cleanup(state)
        self._release()
        return result

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give everything back, from whatever state."""
        result = super().on_shutdown(state)
        self._release()
        return result

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give everything back and be as new."""
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self) -> None:
        """Give everything back, and the node with it."""
        self._release()
        self._process.close()
        super().destroy_node()

    def _configure(self, resources: ExitStack) -> Configured:
        settings = self.parameters.settings()
        engine = self._engine(settings.engine)
        resources.callback(engine.close)
        warning = untrained_warning(engine.info)
        if warning is not None:
            log.warning(warning)
        mounting = MountLookup(
            self, settings.node.base_frame, static_only=settings.node.tf.static_only
        )
        resources.callback(mounting.close)
        outputs = Outputs(self, settings.node)
        resources.callback(outputs.close)
        publisher = self.create_lifecycle_publisher(
            DiagnosticArray, '/diagnostics', qos.reliable(DIAGNOSTICS_QUEUE)
        )
        resources.callback(self.destroy_lifecycle_publisher, publisher)
        calibration = Calibration(self.resolve_topic_name('camera_info'))
        return Configured(
            settings=settings,
            mounting=mounting,
            calibration=calibration,
            pipeline=Pipeline(
                engine,
                calibration,
                outputs,
                mounting,
                self.parameters.settings,
                self._now_ns,
                image_topic(self, settings.node.image_transport),
            ),
            outputs=outputs,
            engine=engine,
            diagnostics=publisher,
            resources=resources.pop_all(),
        )

    def _engine(self, settings: EngineSettings) -> Engine:
        """Load the engine, beside: a signal must not wait for a compiler."""
        loading = Beside(lambda: self._load_engine(settings))
        while not loading.wait(LOOK_FOR_SIGNALS_S):
            if self._told_to_stop.is_set():
                raise RosError('told to stop while the networks were being built')
        return loading.result()

    def _activate(self, configured: Configured, active: ExitStack) -> None:
        settings = configured.settings.node
        configured.pipeline.begin()
        mailbox: Mailbox[Received] = Mailbox()
        worker = Worker(mailbox, configured.pipeline.handle, self._period_s)
        active.callback(worker.stop)
        inputs = Inputs(self, settings.image_transport, mailbox, configured.calibration)
        active.callback(inputs.close)
        odometry_input = OdometryInput(
            self, self.parameters.settings, configured.engine.odometry_in.add, self._now_ns
        )
        active.callback(odometry_input.close)
        sources = Sources(
            pipeline=configured.pipeline,
            mailbox=mailbox,
            inputs=inputs,
            odometry_input=odometry_input,
            outputs=configured.outputs,
            mounting=configured.mounting,
            settings=self.parameters.settings,
            engine=lambda: configured.engine.info,
            verdict=configured.pipeline.verdict,
        )
        reporter = Reporter(self, sources, configured.diagnostics.publish)
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # goes on while a bag is paused
        timer = self.create_timer(settings.diagnostics_period_s, reporter.report, clock=steady)
        active.callback(self.destroy_timer, timer)

        def watch() -> None:
            configured.pipeline.watch(mailbox.received)
            inputs.fetch_kept()

        receiver = Receiver(self.context, inputs.subscriptions, WATCH_PERIOD_S, watch)
        active.callback(receiver.close)
        active.callback(Bonding(self, wanted=settings.bond).close)
        for sentence in self.parameters.strangers():
            log.warning(sentence)

    def _period_s(self) -> float:
        """Return the least time between two images that are worked on [s]."""
        rate_hz = self.parameters.settings().node.max_rate_hz
        return 1 / rate_hz if rate_hz else 0.0

    def _release(self) -> None:
        self._active.close()
        if self._configured is not None:
            self._configured.resources.close()
            self._configured = None
        self.parameters.locked = False

    def _now_ns(self) -> int:
        now: int = self.get_clock().now().nanoseconds
        return now

    def _on_reset_odometry(
        self, _: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        if self._configured is None:
            response.message = NOT_CONFIGURED
            return response
        self._configured.pipeline.reset_odometry()
        response.success = True
        response.message = 'the odometry starts anew with the next image'
        return response

    def _on_set_enabled(
        self, request: SetBool.Request, response: SetBool.Response
    ) -> SetBool.Response:
        if self._configured is None:
            response.message = NOT_CONFIGURED
            return response
        self._configured.pipeline.enable(request.data)
        response.success = True
        response.message = 'enabled' if request.data else 'disabled'
        return response


def _load_engine(settings: EngineSettings) -> Engine:
    from lsd_ros.inference.engine import Engine  # brings torch: seconds, spent here only

    return Engine.load(settings, beside=True)
