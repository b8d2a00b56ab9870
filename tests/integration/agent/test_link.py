"""The link: who the agent says it is, what it confirms and when, and how it comes back."""

import asyncio

import grpc
import jwt
import pytest
from agentlink.v1 import agent_link_pb2 as pb

from agent.link import identity
from tests.fakes.router import PATIENCE, Refusal, duration, running_router, text_command
