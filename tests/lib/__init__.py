"""What every suite shares: servers to start, a client that sends what it is told, a count of what held."""
