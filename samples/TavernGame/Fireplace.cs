using System.Numerics;

namespace TavernGame;

/// <summary>The game's own work in a frame: sparks that rise, drift and push each other away. Some milliseconds of one core.</summary>
internal sealed class Fireplace
{
    private const int Sparks = 900;

    private readonly Vector2[] _at = new Vector2[Sparks], _speed = new Vector2[Sparks];
    private readonly Random _random = new(1);

    public Fireplace()
    {
        for (int i = 0; i < Sparks; i++) _at[i] = new Vector2(_random.NextSingle(), _random.NextSingle());
    }

    public void Burn()
    {
        for (int i = 0; i < Sparks; i++)
        {
            Vector2 push = Vector2.Zero;
            for (int j = 0; j < Sparks; j++)
            {
                Vector2 away = _at[i] - _at[j];
                push += away / (0.01f + away.LengthSquared());
            }
            _speed[i] = _speed[i] * 0.9f + new Vector2(push.X * 1e-6f, 0.004f);
        }
        for (int i = 0; i < Sparks; i++)
        {
            _at[i] += _speed[i];
            if (_at[i].Y > 1) (_at[i], _speed[i]) = (new Vector2(_random.NextSingle(), 0), Vector2.Zero);
        }
    }
}
